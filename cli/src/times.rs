//! How long things took: percentiles and a histogram, for people and as JSON; and bars of progress.

use std::{fmt::Write as _, time::Duration};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::error::{Error, Result};

const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

/// Durations in microseconds, to three digits, up to an hour.
#[derive(Debug)]
pub(crate) struct Times {
    histogram: Histogram<u64>,
}

impl Times {
    pub(crate) fn new() -> Result<Self> {
        const HOUR: u64 = 3_600_000_000;
        let histogram = Histogram::new_with_bounds(1, HOUR, 3)
            .map_err(|error| Error::usage(format!("no times can be kept: {error}")))?;
        Ok(Self { histogram })
    }

    pub(crate) fn add(&mut self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(microseconds.max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let mut fields = json!({
            "count": self.count(),
            "mean_us": (self.histogram.mean() * 10.0).round() / 10.0,
            "min_us": self.histogram.min(),
        });
        if let Some(fields) = fields.as_object_mut() {
            for (name, quantile) in PERCENTILES {
                let value = self.histogram.value_at_quantile(quantile);
                fields.insert(format!("{name}_us"), value.into());
            }
        }
        fields
    }

    /// `mean 1.20 ms, p50 1.10 ms, …`
    pub(crate) fn line(&self) -> String {
        let mut text = format!("mean {}", milliseconds(self.histogram.mean()));
        for (name, quantile) in PERCENTILES {
            let value = exact(self.histogram.value_at_quantile(quantile));
            let _ = write!(text, ", {name} {}", milliseconds(value));
        }
        text
    }

    /// A bar for each range between the smallest and the largest, each range as many times longer than the one before.
    pub(crate) fn bars(&self) -> String {
        const ROWS: i32 = 12;
        const WIDTH: f64 = 50.0;
        let (low, high) = (self.histogram.min(), self.histogram.max());
        if self.count() == 0 {
            return String::new();
        }
        let step = (exact(high) / exact(low.max(1))).powf(1.0 / f64::from(ROWS));
        let mut rows: Vec<(u64, u64)> = Vec::new();
        let mut from = low;
        for row in 1..=ROWS {
            let to = if row == ROWS {
                high
            } else {
                rounded(exact(low.max(1)) * step.powi(row))
            };
            if to < from {
                continue;
            }
            rows.push((to, self.histogram.count_between(from, to)));
            from = to + 1;
        }
        let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(1);
        let mut text = String::new();
        for (to, count) in rows {
            let share = exact(count) / exact(most.max(1));
            let bar = "#".repeat((share * WIDTH).ceil() as usize);
            let _ = writeln!(text, "{:>10}  {count:>8}  {bar}", milliseconds(exact(to)));
        }
        text
    }
}

/// Microseconds as milliseconds.
fn milliseconds(microseconds: f64) -> String {
    format!("{:.2} ms", microseconds / 1_000.0)
}

/// Times and counts here are far below the 2^53 that a double holds to the digit.
#[expect(clippy::cast_precision_loss, reason = "said above")]
fn exact(number: u64) -> f64 {
    number as f64
}

fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// A bar of progress on standard error, if that is a terminal.
pub(crate) fn bar(all: u64, of: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(all);
    // The template is constant; a wrong one would leave the bar as it is by default.
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg} {elapsed}")
    {
        bar.set_style(style);
    }
    bar.with_message(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(microseconds: &[u64]) -> Times {
        let mut times = Times::new().unwrap();
        for microseconds in microseconds {
            times.add(Duration::from_micros(*microseconds));
        }
        times
    }

    #[test]
    fn percentiles() {
        let mut numbers: Vec<u64> = vec![1_000; 99];
        numbers.push(50_000);
        let times = times(&numbers);
        let json = times.json();
        assert_eq!(json.get("p50_us"), Some(&json!(1_000)));
        assert_eq!(json.get("count"), Some(&json!(100)));
        assert!(
            times.line().starts_with("mean 1.49 ms, p50 1.00 ms, "),
            "{}",
            times.line()
        );
    }

    #[test]
    fn each_time_is_in_one_bar() {
        let numbers: Vec<u64> = (0..1_000)
            .map(|number| 200 + number * number % 7_919)
            .collect();
        let bars = times(&numbers).bars();
        let counted: u64 = bars
            .lines()
            .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok())
            .sum();
        assert_eq!(counted, 1_000, "{bars}");
    }

    #[test]
    fn few_or_no_times() {
        assert_eq!(Times::new().unwrap().bars(), "");
        assert_eq!(times(&[7]).bars().lines().count(), 1);
    }
}
