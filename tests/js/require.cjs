// The package required by a CommonJS file of Node; node-require.test.mjs runs it.

"use strict";

module.exports = require("restis");
