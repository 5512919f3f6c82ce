export { POST } from "./route.js";
