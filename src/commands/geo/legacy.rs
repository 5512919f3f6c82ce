//! GEORADIUS and its family, which Redis calls deprecated: [`geosearch`](crate::Redis::geosearch) does the same.

use super::{Found, GeoDetails, GeoSearch, Position, Searches, Unit, sealed};
use crate::{Command, FromReply, Redis, ToArg};

/// The options of GEORADIUS and GEORADIUSBYMEMBER.
#[derive(Debug)]
pub struct GeoRadius(());

impl sealed::Sealed for GeoRadius {}
impl Searches for GeoRadius {}

impl<'a, T> Command<'a, Vec<T>, GeoRadius> {
    /// WITHDIST: the members with their distances from the middle, in the unit of the area.
    pub fn withdist(self) -> Command<'a, Vec<Found<T, f64>>, GeoDetails> {
        self.with("WITHDIST").cast()
    }

    /// WITHHASH: the members with their places as Redis keeps them, 52 bits each.
    pub fn withhash(self) -> Command<'a, Vec<Found<T, (), u64>>, GeoDetails> {
        self.with("WITHHASH").cast()
    }

    /// WITHCOORD: the members with their places.
    pub fn withcoord(self) -> Command<'a, Vec<Found<T, (), (), Position>>, GeoDetails> {
        self.with("WITHCOORD").cast()
    }

    /// STORE: stores what is found under another key, which is overwritten; gives how many there are.
    pub fn store(self, destination: impl ToArg) -> Command<'a, u64> {
        self.with("STORE").with(destination).cast()
    }

    /// STOREDIST: stores what is found under another key with the distances as scores, in the unit
    /// of the area; gives how many there are.
    pub fn storedist(self, destination: impl ToArg) -> Command<'a, u64> {
        self.with("STOREDIST").with(destination).cast()
    }
}

impl Redis {
    /// The members at most `radius` away from a place; none if there is no such key.
    ///
    /// It can store what it finds, and so it is not repeated when its answer is lost:
    /// [`georadius_ro`](Self::georadius_ro) is.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Position, Unit};
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// let middle = Position::new(15.0, 37.0);
    /// let near = redis.georadius::<String>("sicily", middle, 200.0, Unit::Kilometers).await?;
    /// assert_eq!(near, ["Palermo"]);
    /// assert_eq!(redis.georadius::<String>("sicily", middle, 200.0, Unit::Miles).store("near").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEORADIUS](https://redis.io/docs/latest/commands/georadius/).
    pub fn georadius<T: FromReply>(
        &self,
        key: impl ToArg,
        center: Position,
        radius: f64,
        unit: Unit,
    ) -> Command<'_, Vec<T>, GeoRadius> {
        Command::new(self, "GEORADIUS")
            .with(key)
            .with(center.longitude)
            .with(center.latitude)
            .with(radius)
            .with(unit)
    }

    /// The members at most `radius` away from a place, and nothing is stored. See [`georadius`](Self::georadius).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Position, Unit};
    ///
    /// let middle = Position::new(15.0, 37.0);
    /// assert!(redis.georadius_ro::<String>("sicily", middle, 200.0, Unit::Feet).await?.is_empty());
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEORADIUS_RO](https://redis.io/docs/latest/commands/georadius_ro/).
    pub fn georadius_ro<T: FromReply>(
        &self,
        key: impl ToArg,
        center: Position,
        radius: f64,
        unit: Unit,
    ) -> Command<'_, Vec<T>, GeoSearch> {
        Command::new(self, "GEORADIUS_RO")
            .with(key)
            .with(center.longitude)
            .with(center.latitude)
            .with(radius)
            .with(unit)
    }

    /// The members at most `radius` away from a member, itself among them; an error with code `ERR`
    /// if there is no such member. See [`georadius`](Self::georadius).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Position, Unit};
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// let near = redis.georadiusbymember::<String>("sicily", "Palermo", 5.0, Unit::Miles).withdist().await?;
    /// assert_eq!(near[0].distance, 0.0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEORADIUSBYMEMBER](https://redis.io/docs/latest/commands/georadiusbymember/).
    pub fn georadiusbymember<T: FromReply>(
        &self,
        key: impl ToArg,
        member: impl ToArg,
        radius: f64,
        unit: Unit,
    ) -> Command<'_, Vec<T>, GeoRadius> {
        Command::new(self, "GEORADIUSBYMEMBER")
            .with(key)
            .with(member)
            .with(radius)
            .with(unit)
    }

    /// The members at most `radius` away from a member, and nothing is stored. See
    /// [`georadiusbymember`](Self::georadiusbymember).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Position, Unit};
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// let near = redis.georadiusbymember_ro::<String>("sicily", "Palermo", 5.0, Unit::Miles).await?;
    /// assert_eq!(near, ["Palermo"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEORADIUSBYMEMBER_RO](https://redis.io/docs/latest/commands/georadiusbymember_ro/).
    pub fn georadiusbymember_ro<T: FromReply>(
        &self,
        key: impl ToArg,
        member: impl ToArg,
        radius: f64,
        unit: Unit,
    ) -> Command<'_, Vec<T>, GeoSearch> {
        Command::new(self, "GEORADIUSBYMEMBER_RO")
            .with(key)
            .with(member)
            .with(radius)
            .with(unit)
    }
}
