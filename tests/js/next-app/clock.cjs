// Loaded before a server whose clock is behind.
const behind = Number(process.env.CLOCK_BEHIND);
const RealDate = Date;
const origin = performance.timeOrigin;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() - behind] : args));
  }
  static now() {
    return RealDate.now() - behind;
  }
};
Object.defineProperty(performance, "timeOrigin", { configurable: true, value: origin - behind });
