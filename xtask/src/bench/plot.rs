//! What was measured as a picture: bars of CPU by client, and cost as more is in flight.

use std::fmt::Write as _;

use serde_json::Value;

/// Who, its colour, and its name in the legend.
const CLIENTS: [(&str, &str, &str); 7] = [
    ("restis", "#d1495b", "restis, the crate"),
    ("redis-rs", "#66a182", "redis-rs over TCP"),
    ("npm", "#edae49", "restis in Node"),
    ("npm-workerd", "#f4d06f", "restis in workerd"),
    ("upstash", "#00798c", "@upstash/redis in Node"),
    ("upstash-workerd", "#5fb0bd", "@upstash/redis in workerd"),
    ("python", "#8d96a3", "upstash-redis in Python"),
];

const LEFT: f64 = 210.0;
const WIDTH: f64 = 860.0;
const BAR: f64 = 14.0;

/// Bars on a logarithmic scale: the shortest is 1 µs.
pub(super) fn bars(work: &[Value], titles: &[(&str, &str)]) -> String {
    let longest = work
        .iter()
        .filter_map(|found| found["cpu_us"].as_f64())
        .fold(10.0, f64::max);
    let unit = (WIDTH - LEFT - 90.0) / longest.log10();
    let mut body = String::new();
    let mut at = 82.0;
    for (name, title) in titles {
        let of_it: Vec<_> = CLIENTS
            .iter()
            .filter_map(|(client, colour, _)| {
                let found = work
                    .iter()
                    .find(|found| found["client"] == *client && found["work"] == *name)?;
                Some((colour, found["cpu_us"].as_f64()?))
            })
            .collect();
        let middle = at + BAR * of_it.len() as f64 / 2.0 + 4.0;
        let _ = writeln!(
            body,
            r#"<text x="{}" y="{middle}" text-anchor="end">{title}</text>"#,
            LEFT - 10.0
        );
        for (colour, cpu) in of_it {
            let length = cpu.max(1.0).log10() * unit;
            let _ = writeln!(
                body,
                r#"<rect x="{LEFT}" y="{at}" width="{length:.0}" height="{}" fill="{colour}"/><text x="{:.0}" y="{}" class="n">{}</text>"#,
                BAR - 2.0,
                LEFT + length + 5.0,
                at + BAR - 4.0,
                spoken(cpu)
            );
            at += BAR;
        }
        at += 12.0;
    }
    let mut legend = String::new();
    for ((_, colour, name), number) in CLIENTS.iter().zip(0_u32..) {
        let x = 10.0 + f64::from(number % 4) * 205.0;
        let y = 36 + number / 4 * 18;
        let _ = writeln!(
            legend,
            r#"<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/><text x="{}" y="{}">{name}</text>"#,
            x + 17.0,
            y + 10
        );
    }
    page(
        at,
        "CPU of the client for each, on a logarithmic scale",
        &format!("{legend}{body}"),
    )
}

/// Two lines over how much is in flight, both scales logarithmic.
pub(super) fn lines(scale: &[Value]) -> String {
    const HEIGHT: f64 = 300.0;
    let (top, bottom) = (60.0, HEIGHT - 40.0);
    let x = |in_flight: f64| LEFT / 2.0 + in_flight.max(1.0).log10() / 5.0 * (WIDTH - LEFT);
    let mut body = String::new();
    for (field, colour, name) in [
        ("cpu_us", "#d1495b", "CPU of one GET, µs"),
        (
            "larger_kb",
            "#00798c",
            "how much larger the process became, MB",
        ),
    ] {
        let divisor = if field == "larger_kb" { 1_024.0 } else { 1.0 };
        let points: Vec<(f64, f64)> = scale
            .iter()
            .filter_map(|found| {
                Some((
                    found["in_flight"].as_f64()?,
                    found[field].as_f64()? / divisor,
                ))
            })
            .collect();
        let y = |value: f64| bottom - (value.max(0.1).log10() + 1.0) / 4.0 * (bottom - top);
        let path: Vec<String> = points
            .iter()
            .map(|(n, value)| format!("{:.0},{:.0}", x(*n), y(*value)))
            .collect();
        let _ = writeln!(
            body,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        );
        for (n, value) in &points {
            let _ = writeln!(
                body,
                r#"<circle cx="{:.0}" cy="{:.0}" r="3" fill="{colour}"/><text x="{:.0}" y="{:.0}" class="n">{value:.1}</text>"#,
                x(*n),
                y(*value),
                x(*n) + 5.0,
                y(*value) - 6.0
            );
        }
        let place = if field == "cpu_us" { 10.0 } else { 230.0 };
        let _ = writeln!(
            body,
            r#"<rect x="{place}" y="36" width="12" height="12" fill="{colour}"/><text x="{}" y="46">{name}</text>"#,
            place + 17.0
        );
    }
    for found in scale {
        if let Some(n) = found["in_flight"].as_f64() {
            let _ = writeln!(
                body,
                r#"<text x="{:.0}" y="{}" text-anchor="middle">{n}</text>"#,
                x(n),
                HEIGHT - 18.0
            );
        }
    }
    page(
        HEIGHT,
        "GETs in flight on one client, auto-pipelined",
        &body,
    )
}

fn page(height: f64, title: &str, body: &str) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" font-family="sans-serif" font-size="12">
<style>.n {{ font-size: 10px; fill: #555 }}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="22" font-size="15">{title}</text>
{body}</svg>
"##
    )
}

fn spoken(microseconds: f64) -> String {
    if microseconds < 1_000.0 {
        format!("{microseconds:.0} µs")
    } else {
        format!("{:.1} ms", microseconds / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_for_each_that_was_measured() {
        let of = |client: &str, cpu: f64| json!({ "client": client, "work": "set", "cpu_us": cpu });
        let svg = bars(
            &[of("restis", 10.0), of("upstash", 2_500.0)],
            &[("set", "one SET")],
        );
        assert_eq!(
            svg.matches("height=\"12\" fill=").count(),
            CLIENTS.len() + 2
        );
        assert!(svg.contains("10 µs") && svg.contains("2.5 ms"), "{svg}");
    }

    #[test]
    fn a_point_for_each_that_was_measured() {
        let of = |n: u32| json!({ "in_flight": n, "cpu_us": 1.5, "larger_kb": 100 });
        assert_eq!(lines(&[of(1), of(10)]).matches("<circle").count(), 4);
    }
}
