export { default } from "./layout.js";
