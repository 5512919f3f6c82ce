//! Geo, on a real server.

use restis::commands::geo::{
    Area, Found, Member, Position,
    Unit::{Feet, Kilometers, Meters, Miles},
};
use restis_testing::run;

use crate::{refused, texts};

const PALERMO: Position = Position::new(13.361389, 38.115556);
const CATANIA: Position = Position::new(15.087269, 37.502669);
const BETWEEN: Position = Position::new(15.0, 37.0);

#[track_caller]
fn is_near(found: Position, expected: Position) {
    let off =
        (found.longitude - expected.longitude).abs() + (found.latitude - expected.latitude).abs();
    assert!(off < 0.000_01, "{found:?}");
}

#[test]
fn members_and_their_places() {
    run(async |redis| {
        assert_eq!(
            redis
                .geoadd("s", [(PALERMO, "Palermo"), (CATANIA, "Catania")])
                .await?,
            2
        );
        assert_eq!(
            redis
                .geoadd("s", (PALERMO, "Palermo"))
                .member(CATANIA, 7)
                .await?,
            1
        );
        assert_eq!(redis.zrem("s", 7).await?, 1);
        assert_eq!(redis.geoadd("s", (CATANIA, "Palermo")).nx().ch().await?, 0);
        assert_eq!(redis.geoadd("s", (PALERMO, "Roma")).xx().await?, 0);
        assert_eq!(redis.geoadd("s", (CATANIA, "Palermo")).ch().await?, 1);
        assert_eq!(redis.geoadd("s", vec![(PALERMO, "Palermo")]).await?, 0);
        refused(
            redis.geoadd("s", (Position::new(0.0, 86.0), "pole")).await,
            "ERR",
            "GEOADD",
        );

        let distance = redis.geodist("s", "Palermo", "Catania").await?.unwrap();
        assert!((distance - 166_274.151_6).abs() < 0.001, "{distance}");
        for (unit, expected) in [
            (Meters, 166_274.151_6),
            (Kilometers, 166.274_2),
            (Miles, 103.318_2),
            (Feet, 545_518.870_0),
        ] {
            let distance = redis.geodist("s", "Palermo", "Catania").unit(unit).await?;
            assert!((distance.unwrap() - expected).abs() < 0.001, "{distance:?}");
        }
        assert_eq!(redis.geodist("s", "Palermo", "Roma").await?, None);
        assert_eq!(redis.geodist("none", "a", "b").await?, None);

        assert_eq!(
            redis.geohash("s", ["Palermo", "Roma"]).await?,
            [Some("sqc8b49rny0".into()), None]
        );
        assert_eq!(redis.geohash("none", "a").await?, [None]);
        let places = redis.geopos("s", ["Palermo", "Roma", "Catania"]).await?;
        is_near(places[0].unwrap(), PALERMO);
        assert_eq!(places[1], None);
        is_near(places[2].unwrap(), CATANIA);
        assert_eq!(redis.geopos("none", ["a", "b"]).await?, [None, None]);

        redis.set("text", "v").await?;
        refused(redis.geopos("text", "a").await, "WRONGTYPE", "GEOPOS");
        refused(
            redis.geoadd("text", (PALERMO, "m")).await,
            "WRONGTYPE",
            "GEOADD",
        );
        Ok(())
    });
}

#[test]
fn searches() {
    run(async |redis| {
        redis
            .geoadd("s", [(PALERMO, "Palermo"), (CATANIA, "Catania")])
            .await?;
        let around = Area::Radius(200.0, Kilometers);
        assert_eq!(
            redis
                .geosearch::<String>("s", BETWEEN, around)
                .asc()
                .await?,
            texts(&["Catania", "Palermo"])
        );
        assert_eq!(
            redis
                .geosearch::<String>("s", BETWEEN, around)
                .desc()
                .count(1)
                .await?,
            texts(&["Palermo"])
        );
        assert_eq!(
            redis
                .geosearch::<String>("s", BETWEEN, around)
                .count_any(1)
                .await?
                .len(),
            1
        );
        assert_eq!(
            redis
                .geosearch::<String>("s", Member("Catania"), Area::Radius(1.0, Feet))
                .await?,
            texts(&["Catania"])
        );
        assert_eq!(
            redis
                .geosearch::<String>("s", BETWEEN, Area::Box(20.0, 400.0, Kilometers))
                .await?,
            texts(&["Catania"])
        );
        assert!(
            redis
                .geosearch::<String>("none", BETWEEN, around)
                .withcoord()
                .await?
                .is_empty()
        );
        refused(
            redis.geosearch::<String>("s", Member("Roma"), around).await,
            "ERR",
            "GEOSEARCH",
        );

        // The server puts the details into its own order, whatever the order of the options.
        let near = redis
            .geosearch::<String>("s", BETWEEN, around)
            .withcoord()
            .withhash()
            .asc()
            .withdist()
            .await?;
        let Found {
            member,
            distance,
            hash,
            position,
            ..
        } = &near[0];
        assert_eq!((&**member, *hash), ("Catania", 3_479_447_370_796_909));
        assert!((distance - 56.441_3).abs() < 0.001);
        is_near(*position, CATANIA);
        let hashes = redis
            .geosearch::<String>("s", Member("Palermo"), Area::Radius(1.0, Miles))
            .withhash()
            .await?;
        assert_eq!(hashes[0].hash, 3_479_099_956_230_698);
        let coords = redis
            .geosearch::<String>("s", Member("Palermo"), Area::Radius(1.0, Miles))
            .withcoord()
            .await?;
        is_near(coords[0].position, PALERMO);

        assert_eq!(redis.geosearchstore("d", "s", BETWEEN, around).await?, 2);
        assert_eq!(
            redis.geodist("d", "Palermo", "Catania").await?,
            redis.geodist("s", "Palermo", "Catania").await?
        );
        assert_eq!(
            redis
                .geosearchstore("d", "s", Member("Palermo"), around)
                .asc()
                .count(1)
                .storedist()
                .await?,
            1
        );
        assert_eq!(redis.zscore("d", "Palermo").await?, Some(0.0));
        assert_eq!(redis.geosearchstore("d", "none", BETWEEN, around).await?, 0);
        assert_eq!(redis.exists("d").await?, 0);
        Ok(())
    });
}

#[test]
fn legacy() {
    run(async |redis| {
        redis
            .geoadd("s", [(PALERMO, "Palermo"), (CATANIA, "Catania")])
            .await?;
        assert_eq!(
            redis
                .georadius::<String>("s", BETWEEN, 200.0, Kilometers)
                .asc()
                .await?,
            texts(&["Catania", "Palermo"])
        );
        let near = redis
            .georadius::<String>("s", BETWEEN, 200.0, Kilometers)
            .withdist()
            .withcoord()
            .desc()
            .await?;
        assert_eq!(near[0].member, "Palermo");
        assert!((near[0].distance - 190.442_4).abs() < 0.001);
        is_near(near[0].position, PALERMO);
        let near = redis
            .georadius::<String>("s", BETWEEN, 100.0, Kilometers)
            .withhash()
            .await?;
        assert_eq!(near[0].hash, 3_479_447_370_796_909);
        let near = redis
            .georadiusbymember::<String>("s", "Palermo", 1.0, Meters)
            .withcoord()
            .await?;
        is_near(near[0].position, PALERMO);
        assert_eq!(
            redis
                .georadius_ro::<String>("s", BETWEEN, 100.0, Kilometers)
                .await?,
            texts(&["Catania"])
        );
        assert_eq!(
            redis
                .georadiusbymember_ro::<String>("s", "Palermo", 200.0, Kilometers)
                .asc()
                .count(1)
                .await?,
            texts(&["Palermo"])
        );
        assert_eq!(
            redis
                .georadius::<String>("s", BETWEEN, 200.0, Kilometers)
                .count(1)
                .store("d")
                .await?,
            1
        );
        assert_eq!(redis.zcard("d").await?, 1);
        assert_eq!(
            redis
                .georadiusbymember::<String>("s", "Palermo", 200.0, Kilometers)
                .storedist("d")
                .await?,
            2
        );
        assert_eq!(redis.zscore("d", "Palermo").await?, Some(0.0));
        refused(
            redis
                .georadiusbymember::<String>("s", "Roma", 1.0, Meters)
                .await,
            "ERR",
            "GEORADIUSBYMEMBER",
        );
        Ok(())
    });
}
