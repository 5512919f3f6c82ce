//! Sessions.

use std::rc::Rc;

use fragile::Fragile;
use js_sys::{Array, Function, Promise};
use restis::{
    Sessions,
    session::{Anomaly, Cookie, Device, Issued, Refresh, Session, Token, Verdict},
    unversioned,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    Client,
    bridge::{Json, Options, done, duration, error, json, object, or_null, promise, told},
};

#[wasm_bindgen(js_name = Sessions)]
#[derive(Debug)]
pub struct JsSessions(Rc<Sessions<Json>>);

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
            sessions = sessions.cap(cap as usize);
        }
        if let Some(hook) = options.get("onAnomaly") {
            let hook = Fragile::new(Function::from(hook));
            sessions = sessions.on_anomaly(move |anomaly| {
                let told = hook.get().call1(&JsValue::UNDEFINED, &strange(anomaly));
                match told.ok().and_then(|verdict| verdict.as_string()).as_deref() {
                    Some("revoke") => Verdict::Revoke,
                    _ => Verdict::Accept,
                }
            });
        }
        Self(Rc::new(sessions))
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
            Ok(or_null(session.as_ref().map(plain)))
        })
    }

    /// JSON of the changed data, or nothing. The function is called again where another was faster.
    pub fn update(&self, token: String, change: Function) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let change = Fragile::new(change);
            let thrown = Fragile::new(std::cell::RefCell::new(None));
            let changed = this
                .update(&token, |data: &mut Json| {
                    let made = change.get().call1(&JsValue::UNDEFINED, &data.get().into());
                    let made = made.and_then(|made| json(made.as_string().unwrap_or_default()));
                    match made {
                        Ok(made) => *data = made,
                        Err(reason) => *thrown.get().borrow_mut() = Some(reason),
                    }
                })
                .await
                .map_err(error)?;
            match thrown.into_inner().into_inner() {
                Some(reason) => Err(reason),
                None => Ok(changed.map(|data| data.get().to_owned())),
            }
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
