// The checks of the numbers that callers give. The same everywhere:
//
// - A duration is a number of milliseconds from 0 on. A fraction counts as a whole millisecond. `Infinity`, and whatever is more, is
//   the longest duration that the engine uses: 1,000 years.
// - A count is a whole number from 0 on, up to 2^53 - 1.
// - NaN, negative numbers, null and text are neither.

export const isDuration = (value) => typeof value === "number" && value >= 0;

export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
