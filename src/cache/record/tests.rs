//! The format: what is written is read, and no text there is makes it panic or read what was not written.

use proptest::prelude::*;

use super::*;

fn heads() -> impl Strategy<Value = Head> {
    let tags = proptest::collection::vec((".*", "[0-9A-Za-z_-]{16}"), 0..4);
    let times = (any::<u64>(), any::<u64>(), any::<u64>());
    let etag = proptest::option::of(".*");
    (any::<bool>(), times, etag, tags).prop_map(|(nothing, times, etag, tags)| Head {
        nothing,
        fresh_until: times.0,
        window: times.1,
        load_time: times.2,
        etag,
        tags,
        ..Head::new(random::name())
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        head in heads(),
        payload in prop_oneof![
            any::<Vec<u8>>(),
            ".*".prop_map(String::into_bytes),
            (".{1,9}", 200..900_usize).prop_map(|(text, times)| text.repeat(times).into_bytes()),
        ],
    ) {
        let written = Record::new(head.clone(), payload.clone(), 1024);
        prop_assert!(written.text().starts_with(&written.mark()));
        let Stored::Record(read) = Stored::read(written.text().to_owned()) else {
            panic!("not read: {}", written.text());
        };
        prop_assert_eq!(&read, &written);
        let payload_read = read.payload().unwrap();
        prop_assert_eq!(&*payload_read, &*payload);
        // The same under another head.
        let renewed = read.renewed(Head { nothing: !head.nothing, ..Head::new(random::name()) });
        let Stored::Record(renewed) = Stored::read(renewed.text().to_owned()) else {
            panic!("not read: {}", renewed.text());
        };
        let payload_read = renewed.payload().unwrap();
        prop_assert_eq!(&*payload_read, &*payload);
        prop_assert_eq!(renewed.head.nothing, head.nothing);
        prop_assert_ne!(renewed.mark(), written.mark());
    }

    #[test]
    fn any_text_gives_something(
        text in prop_oneof![
            ".*",
            "r1[vncuf];.*",
            "r1[vn];[^;]{0,4};[0-9]{0,3};[0-9]{0,3};[0-9]{0,3};[tbz];[^;]{0,3};=?[^;]{0,6};[^;]{0,12};.*",
            "r1[cuf];[^;]{0,4};[0-9]{0,22};.*",
        ],
        cut in any::<prop::sample::Index>(),
    ) {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let begin = text.get(..*cut.get(&ends)).unwrap().to_owned();
        for text in [text, begin] {
            if let Stored::Record(record) = Stored::read(text.clone()) {
                prop_assert_eq!(record.text(), &*text);
                let _ = record.payload();
            }
        }
    }
}

#[test]
fn claims_are_read() {
    for work in Work::ALL {
        let claim = Claim::new(500, work);
        assert_eq!(Stored::read(claim.text.clone()), Stored::Claim(claim));
    }
    let Stored::Claim(endless) = Stored::read("r1c;x;18446744073709551615;".into()) else {
        panic!("not a claim");
    };
    assert_eq!(endless.lease, MAX_LEASE);
}

/// What stands in Redis today is still read tomorrow, or a deploy empties the cache.
#[test]
fn the_format_stays() {
    let head = Head {
        id: "id".into(),
        fresh_until: 1,
        window: 2,
        load_time: 3,
        etag: Some("\"e;1\"".into()),
        tags: vec![("a b".into(), "v1".into()), ("c".into(), "v2".into())],
        ..Head::new("ns".into())
    };
    let record = Record::new(head, b"{\"a\":1}".to_vec(), 1024);
    let text = "r1v;id;1;2;3;t;ns;=%22e%3B1%22;a%20b=v1,c=v2;{\"a\":1}";
    assert_eq!(record.text(), text);
    assert_eq!(Stored::read(text.into()), Stored::Record(record));
    let bytes = Record::new(Head::new("ns".into()), vec![0xff, 0xfe], 1024);
    assert!(
        bytes.text().ends_with(";0;0;0;b;ns;;;//4"),
        "{}",
        bytes.text()
    );
}
