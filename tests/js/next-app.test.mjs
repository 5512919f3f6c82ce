// A real application of Next.js 16 and 15, built and started with both caches in Redis: several servers on one Redis, one of
// them with a clock 5 s behind, one whose Redis is away, and a second build. The application is in next-app/.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Redis } from "restis";
import { token, url } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const redis = new Redis({ url, token, automaticDeserialization: false });
const processes = new Set();

/** Where the data of the pages is: each name has a version, and answers wait while it is held. */
const source = { versions: {}, requests: {}, held: {} };
before(async () => {
  source.server = http.createServer(async ({ url: path }, response) => {
    const name = path.slice(1);
    const version = source.versions[name] ?? 1;
    source.requests[name] = (source.requests[name] ?? 0) + 1;
    await source.held[name];
    response.end(`${name}-${version}`);
  });
  source.server.listen(0, "127.0.0.1");
  await once(source.server, "listening");
});
after(async () => {
  for (const child of processes) child.kill("SIGKILL");
  source.server.closeAllConnections();
  source.server.close();
});

const next = (name) => (source.versions[name] = (source.versions[name] ?? 1) + 1);

/** Lets answers about a name wait until the function that is returned is called. */
function hold(name) {
  let release;
  source.held[name] = new Promise((resolve) => (release = resolve));
  return () => {
    delete source.held[name];
    release();
  };
}

async function until(condition, what) {
  const end = performance.now() + 60_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `${what} did not come true in a minute`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The application, in a folder of its own with a release of Next.js. */
class Application {
  constructor(major, packageName) {
    this.major = major;
    this.folder = join(here, "next-apps", String(major));
    this.prefix = `next-app-${major}-${crypto.randomUUID()}:`;
    cpSync(join(here, "next-app"), this.folder, { recursive: true });
    writeFileSync(join(this.folder, "package.json"), '{ "private": true, "type": "module" }');
    mkdirSync(join(this.folder, "node_modules"));
    const [release, installed] = [join(this.folder, "node_modules/next"), realpathSync(join(modules, packageName))];
    if (packageName === "next") symlinkSync(installed, release);
    else {
      // Next.js asks for its own files by the name `next`, which for a link to a package of another name is the other release.
      const own = join(installed, "node_modules");
      cpSync(installed, release, { recursive: true, filter: (path) => path !== own });
      symlinkSync(own, join(release, "node_modules"));
    }
  }

  run(words, environment) {
    // The folder that has both the application and what the links of its packages lead to.
    const repository = join(realpathSync(join(modules, "next")), "../../../..");
    const child = spawn(process.execPath, [join(this.folder, "node_modules/next/dist/bin/next"), ...words], {
      cwd: this.folder,
      env: {
        ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", NEXT_MAJOR: String(this.major), CACHE_PREFIX: this.prefix,
        REPOSITORY: repository, SOURCE: `http://127.0.0.1:${source.server.address().port}`,
        UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, ...environment,
      },
    });
    processes.add(child);
    child.once("exit", () => processes.delete(child));
    child.text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (child.text += text));
    return child;
  }

  async build(environment) {
    const child = this.run(["build"], environment);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, child.text);
    return readFileSync(join(this.folder, ".next/BUILD_ID"), "utf8");
  }

  async start(environment) {
    const port = await freePort();
    const child = this.run(["start", "--port", String(port), "--hostname", "127.0.0.1"], environment);
    const server = new Server(child, `http://127.0.0.1:${port}`);
    await until(() => child.exitCode !== null || /Ready/.test(child.text), "a server's start");
    assert.equal(child.exitCode, null, child.text);
    return server;
  }
}

class Server {
  constructor(child, address) {
    this.child = child;
    this.address = address;
  }

  async text(path, init) {
    const response = await fetch(this.address + path, { signal: AbortSignal.timeout(60_000), ...init });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text.slice(0, 300)}\n${this.child.text}`);
    return text;
  }

  /** A value that a page shows, as `name=value;`. */
  async shown(path, name = path.slice(1)) {
    return new RegExp(`${name}=([^;]*);`).exec(await this.text(path))?.[1];
  }

  revalidate(search) {
    return this.text(`/revalidate?${search}`, { method: "POST" });
  }

  /** Calls the action of a page's form, as a browser without JavaScript does. */
  async act() {
    const [, name] = /name="(\$ACTION_ID_[^"]*)"/.exec(await this.text("/act"));
    const form = new FormData();
    form.set(name, "");
    await this.text("/act", { method: "POST", body: form, headers: { origin: this.address } });
  }

  async stop() {
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }
}

for (const [major, packageName] of [[16, "next"], [15, "next15"]]) {
  test(`Next.js ${major}`, { timeout: 600_000 }, async (t) => {
    source.versions = {};
    const application = new Application(major, packageName);
    const keys = (pattern) => redis.keys(`${application.prefix}${pattern}`);
    let build;
    let a;
    let behind;

    await t.test("a build ends, and its handler is not asked by its own requests", async () => {
      build = await application.build();
      const data = await keys("data:*");
      assert.equal(data.length, 1, String(data));
      [a, behind] = await Promise.all([
        application.start(),
        application.start({ NODE_OPTIONS: `--require ${join(application.folder, "clock.cjs")}`, CLOCK_BEHIND: "5000" }),
      ]);
    });

    await t.test("pages of the build are served, by every server, and are in Redis then", async () => {
      const file = readFileSync(join(application.folder, ".next/server/app/static.html"), "utf8");
      const built = /static=([^;]*);/.exec(file)[1];
      assert.equal(await a.shown("/static"), built);
      assert.ok((await keys(`page:${build}:*static`)).length === 1);
      assert.equal(await behind.shown("/static"), built);
      const { isr } = source.requests;
      assert.equal(await a.shown("/isr"), "isr-1");
      assert.equal(source.requests.isr, isr);
    });

    await t.test("revalidateTag of one server ends pages of the others, whatever their clocks are", async () => {
      next("isr");
      assert.equal(await behind.shown("/isr"), "isr-1");
      await a.revalidate("tag=posts");
      assert.equal(await behind.shown("/isr"), "isr-2");
      // What the server with the wrong clock has rendered the others serve.
      const { isr } = source.requests;
      assert.equal(await a.shown("/isr"), "isr-2");
      next("isr");
      await behind.revalidate("tag=posts");
      assert.equal(await a.shown("/isr"), "isr-3");
      assert.equal(await behind.shown("/isr"), "isr-3");
      assert.equal(source.requests.isr, isr + 1);
    });

    await t.test("a page rendered from data that is revalidated meanwhile is not kept", async () => {
      next("isr");
      await a.revalidate("tag=posts");
      const before = source.requests.isr;
      const release = hold("isr");
      const rendering = a.shown("/isr");
      await until(() => source.requests.isr > before, "a render");
      next("isr");
      await behind.revalidate("tag=posts");
      release();
      assert.equal(await rendering, "isr-4");
      assert.equal(await behind.shown("/isr"), "isr-5");
      assert.equal(await a.shown("/isr"), "isr-5");
    });

    await t.test("revalidatePath ends a page and the data that it has read", async () => {
      next("isr");
      await behind.revalidate("path=/isr");
      assert.equal(await a.shown("/isr"), "isr-6");
      assert.equal(await behind.shown("/isr"), "isr-6");
    });

    await t.test("no record that is evicted brings an old page back", async () => {
      for (const pattern of ["tag:*", "log", "clock"]) {
        const version = next("isr");
        await a.revalidate("tag=posts");
        const gone = await keys(pattern);
        assert.ok(gone.length > 0);
        await redis.del(...gone);
        assert.equal(await behind.shown("/isr"), `isr-${version}`, pattern);
        assert.equal(await a.shown("/isr"), `isr-${version}`, pattern);
      }
    });

    if (major > 15) {
      await t.test("revalidateTag with a profile serves the old page at once, and the new one when it is rendered", async () => {
        const old = await a.shown("/isr");
        const version = next("isr");
        const release = hold("isr");
        await a.revalidate("tag=posts&profile=max");
        // These would wait for the source, which answers nobody now.
        assert.equal(await behind.shown("/isr"), old);
        assert.equal(await a.shown("/isr"), old);
        release();
        await until(async () => (await a.shown("/isr")) === `isr-${version}`, "the new page");
        await until(async () => (await behind.shown("/isr")) === `isr-${version}`, "the new page");
        // After `expire` seconds it is not served any more.
        const last = next("isr");
        await a.revalidate("tag=posts&expire=1");
        await until(async () => (await keys("stale:posts")).length === 0, "the end of the time");
        assert.equal(await behind.shown("/isr"), `isr-${last}`);
      });
    }

    await t.test('unstable_cache and "use cache" keep data between servers until their tags are revalidated', async () => {
      const values = async (server) => [await server.shown("/cached", "unstable"), await server.shown("/cached", "used")];
      // The first requests find nothing, and need not be stored when they have been answered.
      await until(async () => (await values(a), (await keys("*entry:*")).length > 0 && (await keys("data:*")).length > 1), "the first entries");
      const [unstable, used] = await values(a);
      next("unstable");
      next("used");
      assert.deepEqual(await values(behind), [unstable, used]);
      await behind.revalidate("tag=unstable");
      await until(async () => (await a.shown("/cached", "unstable")) === "unstable-2", "new data");
      assert.equal((await values(behind))[1], used);
      if (major > 15) await a.act();
      else await a.revalidate("tag=used");
      assert.equal((await values(behind))[1], "used-2");
      await until(async () => (await values(a)).join() === "unstable-2,used-2", "new data");
    });

    await t.test("props that are named like the handler's marks arrive as they are", async () => {
      next("legacy");
      await until(async () => (await a.shown("/legacy")) === "legacy-2", "a page of the pages router");
      const [, json] = /<script id="__NEXT_DATA__" type="application\/json">(.*?)<\/script>/.exec(await behind.text("/legacy"));
      const { data, ...others } = JSON.parse(json).props.pageProps;
      assert.deepEqual([data, others], ["legacy-2", { $bytes: "AQ==", nested: { $map: [["a", 1]] }, $$map: [] }]);
    });

    await t.test("while Redis is away pages are rendered, and a failed revalidateTag is reported", async () => {
      const away = await application.start({ UPSTASH_REDIS_REST_URL: "http://127.0.0.1:65534" });
      assert.equal(await away.shown("/isr"), `isr-${source.versions.isr}`);
      assert.equal(await away.shown("/legacy"), "legacy-2");
      assert.equal(await away.shown("/cached", "used"), "used-2");
      assert.match(await away.shown("/static"), /^0\./);
      assert.match(away.child.text, /restis\/next: get failed: .*65534|restis\/next: get failed: /);
      await away.text("/revalidate?tag=posts", { method: "POST" }).catch(() => {});
      await until(() => /restis\/next: revalidateTag failed: /.test(away.child.text), "the report");
      // It serves on.
      assert.equal(await away.shown("/isr"), `isr-${source.versions.isr}`);
      await away.stop();
    });

    await t.test("another build, of an application that has no Redis then, has pages of its own", async () => {
      const old = await a.shown("/static");
      await Promise.all([a.stop(), behind.stop()]);
      if (major > 15) return;
      const second = await application.build({ UPSTASH_REDIS_REST_URL: "", UPSTASH_REDIS_REST_TOKEN: "" });
      assert.notEqual(second, build);
      const server = await application.start();
      const rendered = await server.shown("/static");
      assert.notEqual(rendered, old);
      await until(async () => (await keys(`page:${second}:*static`)).length === 1, "the page in Redis");
      assert.equal(await server.shown("/static"), rendered);
      await server.stop();
    });

    if (major > 15) {
      await t.test("a build with cache components prerenders pages, which are revalidated by tag", async () => {
        const environment = { CACHE_COMPONENTS: "1" };
        const second = await application.build(environment);
        assert.notEqual(second, build);
        const servers = await Promise.all([application.start(environment), application.start(environment)]);
        const prerendered = source.requests.components;
        for (const server of servers) assert.equal(await server.shown("/used"), "components-1");
        assert.equal(source.requests.components, prerendered);
        next("components");
        await servers[0].revalidate("tag=page");
        await until(async () => (await servers[1].shown("/used")) === "components-2", "the new page");
        await until(async () => (await servers[0].shown("/used")) === "components-2", "the new page");
        await Promise.all(servers.map((server) => server.stop()));
      });
    }

    await t.test("all keys expire", async () => {
      const all = await keys("*");
      const lives = await Promise.all(all.map((key) => redis.ttl(key)));
      assert.ok(all.length > 10);
      assert.deepEqual(all.filter((_, i) => lives[i] === -1), []);
    });
  });
}
