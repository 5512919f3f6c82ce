//! Sessions.

use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use restis::{
    Error, Sessions,
    session::{Anomaly, Cookie, Device, Issued, Refresh, Session, Token},
    unversioned,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    Client,
    bridge::{
        Json, Options, call, call_json, done, duration, error, json, object, or_null, promise, told,
    },
};

#[wasm_bindgen(js_name = Sessions)]
#[derive(Debug)]
pub struct JsSessions(Rc<Sessions<Json>>, Option<Function>);

#[wasm_bindgen(js_class = Sessions)]
impl JsSessions {
    /// With a key of the server, and set as the options say.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, key: &[u8], options: &JsValue) -> Self {
        let options = Options(options);
        let mut sessions = Sessions::new(client.redis(), key);
        told!(sessions, options,
            text { "namespace" => namespace }
            time { "touchEvery" => touch_every, "absolute" => absolute, "grace" => grace }
        );
        // `Infinity` is no end of its own.
        let optional = |name: &str| {
            let millis = options.number(name)?;
            Some(millis.is_finite().then(|| duration(millis)))
        };
        if let Some(idle) = optional("idle") {
            sessions = sessions.idle(idle);
        }
        if let Some(renewal) = optional("renewal") {
            sessions = sessions.renewal(renewal);
        }
        if let Some(cap) = options.integer("cap") {
            sessions = sessions.cap(usize::try_from(cap).unwrap_or(usize::MAX));
        }
        // It may be asynchronous, so the crate's own hook cannot call it.
        let hook = options.get("onAnomaly").map(Function::from);
        Self(Rc::new(sessions), hook)
    }

    /// `{ token, id }`, of a user or of nobody.
    pub fn create(
        &self,
        user: Option<String>,
        data: String,
        refresh: bool,
        options: JsValue,
    ) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let (data, options) = (json(data)?, Options(&options));
            let mut create = match &user {
                Some(user) if refresh => this.create_refresh(user, &data),
                Some(user) => this.create(user, &data),
                None => this.create_anonymous(&data),
            };
            told!(create, options, text { "userAgent" => user_agent, "ip" => ip });
            create.await.map(|issued| given(&issued)).map_err(error)
        })
    }

    /// The session, or nothing.
    pub fn validate(&self, token: String, options: JsValue) -> Promise {
        let this = Rc::clone(&self.0);
        let hook = self.1.clone();
        promise(async move {
            let options = Options(&options);
            let (user_agent, ip) = (options.text("userAgent"), options.text("ip"));
            let mut validate = this.validate(&token);
            if let Some(user_agent) = &user_agent {
                validate = validate.user_agent(user_agent);
            }
            if let Some(ip) = &ip {
                validate = validate.ip(ip);
            }
            let session = validate.await.map_err(error)?;
            let anomaly = session.as_ref().and_then(Session::anomaly);
            if let (Some(hook), Some(anomaly)) = (&hook, anomaly)
                && !is_accepted(hook, anomaly).await
            {
                this.revoke(&token).await.map_err(error)?;
                return Ok(JsValue::NULL);
            }
            Ok(or_null(session.as_ref().map(plain)))
        })
    }

    /// JSON of the changed data, or nothing. The function is called again where another was faster.
    pub fn update(&self, token: String, change: Function) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let change = |data: Json| {
                let change = &change;
                async move {
                    let made = call_json(change, &data.get().into()).await;
                    made.map_err(|thrown| Failed(thrown.into_js()))
                }
            };
            let changed = unversioned::update_session(&this, &token, change).await;
            let changed = changed.map_err(|failed: Failed| failed.0)?;
            Ok(changed.map(|data| data.get().to_owned()))
        })
    }

    /// `{ token, id }`, or nothing.
    pub fn rotate(&self, token: String, options: JsValue) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let options = Options(&options);
            let mut rotate = this.rotate(&token);
            if let Some(user) = options.text("user") {
                rotate = rotate.user(user);
            }
            if let Some(grace) = options.time("grace") {
                rotate = rotate.grace(grace);
            }
            let issued = rotate.await.map_err(error)?;
            Ok(or_null(issued.as_ref().map(given)))
        })
    }

    /// `{ status, token, session, user, id }`.
    pub fn refresh(&self, token: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let status = |status: &str| ("status", JsValue::from(status));
            Ok(match this.refresh(&token).await.map_err(error)? {
                Refresh::Rotated(rotated) => object([
                    status("rotated"),
                    ("token", text(rotated.token())),
                    ("session", plain(rotated.session())),
                ]),
                Refresh::Reused { user, id, .. } => {
                    object([status("reused"), ("user", user.into()), ("id", id.into())])
                }
                _ => object([status("unknown")]),
            })
        })
    }

    /// Ends it.
    pub fn revoke(&self, token: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.revoke(&token).await) })
    }

    /// Ends it by its id.
    #[wasm_bindgen(js_name = revokeDevice)]
    pub fn revoke_device(&self, user: String, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.revoke_device(user, &id).await) })
    }

    /// Ends all of a user.
    #[wasm_bindgen(js_name = revokeAll)]
    pub fn revoke_all(&self, user: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.revoke_all(user).await) })
    }

    /// Ends all but this one; how many, or nothing.
    #[wasm_bindgen(js_name = revokeOthers)]
    pub fn revoke_others(&self, token: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let ended = this.revoke_others(&token).await.map_err(error)?;
            Ok(or_null(ended.map(|ended| ended as f64)))
        })
    }

    /// Those of a user.
    pub fn list(&self, user: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let devices = this.list(user).await.map_err(error)?;
            Ok(devices.iter().map(device).collect::<Array>())
        })
    }

    /// `{ devices, cursor }`: some of those of a user.
    #[wasm_bindgen(js_name = listPage)]
    pub fn list_page(&self, user: String, cursor: Option<String>, count: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let page = this.list_page(user, cursor.as_deref(), count as u32).await;
            let page = page.map_err(error)?;
            let devices: Array = page.devices.iter().map(device).collect();
            Ok(object([
                ("devices", devices.into()),
                ("cursor", or_null(page.cursor)),
            ]))
        })
    }

    /// How many a user has.
    pub fn count(&self, user: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let count = this.count(user).await.map_err(error)?;
            Ok(count as f64)
        })
    }

    /// For forms.
    #[wasm_bindgen(js_name = csrfToken)]
    pub fn csrf_token(&self, token: &str) -> Result<Option<String>, JsValue> {
        self.0.csrf_token(token).map_err(error)
    }

    /// Whether it is that of the session.
    #[wasm_bindgen(js_name = isCsrfToken)]
    pub fn is_csrf_token(&self, token: &str, csrf: &str) -> Result<bool, JsValue> {
        self.0.is_csrf_token(token, csrf).map_err(error)
    }
}

#[wasm_bindgen(js_name = Cookie)]
#[derive(Debug)]
pub struct JsCookie(Cookie);

#[wasm_bindgen(js_class = Cookie)]
impl JsCookie {
    /// Of a name.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, options: &JsValue) -> Self {
        let options = Options(options);
        let mut cookie = Cookie::new(name);
        if options.flag("lax") == Some(true) {
            cookie = cookie.lax();
        }
        if let Some(age) = options.time("maxAge") {
            cookie = cookie.max_age(age);
        }
        Self(cookie)
    }

    /// The field that sets it.
    pub fn set(&self, token: String) -> String {
        self.0.set(&unversioned::token(token))
    }

    /// The field that ends it.
    pub fn clear(&self) -> String {
        self.0.clear()
    }

    /// The token of a field `Cookie`.
    pub fn read(&self, header: &str) -> Option<String> {
        self.0.read(header).map(str::to_owned)
    }
}

/// Why a session was not changed: an error of ours, or what the function threw.
struct Failed(JsValue);

impl From<Error> for Failed {
    fn from(failed: Error) -> Self {
        Self(error(failed))
    }
}

/// Whether a hook accepts: by this word alone. One that throws or returns anything else does not.
async fn is_accepted(hook: &Function, anomaly: &Anomaly) -> bool {
    let verdict = call(hook, &strange(anomaly)).await;
    verdict.is_ok_and(|verdict| verdict.as_string().as_deref() == Some("accept"))
}

fn text(token: &Token) -> JsValue {
    token.as_str().into()
}

fn given(issued: &Issued) -> JsValue {
    object([("token", text(issued.token())), ("id", issued.id().into())])
}

fn strange(anomaly: &Anomaly) -> JsValue {
    object([
        ("session", (&*anomaly.session).into()),
        ("userAgent", anomaly.user_agent.into()),
        ("ip", anomaly.ip.into()),
    ])
}

fn plain(session: &Session<Json>) -> JsValue {
    object([
        ("id", session.id().into()),
        ("user", or_null(session.user())),
        ("json", session.data().get().into()),
        ("createdAt", (session.created_at() as f64).into()),
        ("endsAt", (session.ends_at() as f64).into()),
        ("userAgent", or_null(session.user_agent())),
        ("ip", or_null(session.ip())),
        ("isRenewalDue", session.is_renewal_due().into()),
        ("anomaly", or_null(session.anomaly().map(strange))),
        ("replacedBy", or_null(session.replaced_by().map(text))),
    ])
}

fn device(device: &Device) -> JsValue {
    object([
        ("id", device.id().into()),
        ("createdAt", (device.created_at() as f64).into()),
        ("lastSeen", (device.last_seen() as f64).into()),
        ("endsAt", (device.ends_at() as f64).into()),
        ("userAgent", or_null(device.user_agent())),
        ("ip", or_null(device.ip())),
    ])
}
