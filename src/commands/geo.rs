//! Geo: members at places of the earth, GEOADD, GEOSEARCH and what belongs to them. The forms Redis
//! had before GEOSEARCH are in [`legacy`].

pub mod legacy;

use crate::{
    ArgWriter, Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, Written, args::ArgsWriter,
    reply::Items,
};

/// A unit of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Meters.
    Meters,
    /// Kilometers.
    Kilometers,
    /// Miles.
    Miles,
    /// Feet.
    Feet,
}

impl ToArg for Unit {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Meters => "M",
            Self::Kilometers => "KM",
            Self::Miles => "MI",
            Self::Feet => "FT",
        })
    }
}

/// A place of the earth, in degrees. Redis keeps it in 52 bits: what comes back is off by up to half a meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// From -180 to 180, positive to the east.
    pub longitude: f64,
    /// From -85.05112878 to 85.05112878, positive to the north; the poles are out of reach.
    pub latitude: f64,
}

impl Position {
    /// A place by its longitude and latitude, in this order as everywhere in Redis.
    pub const fn new(longitude: f64, latitude: f64) -> Self {
        Self {
            longitude,
            latitude,
        }
    }
}

impl FromReply for Position {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let (longitude, latitude) = reply.read()?;
        Ok(Self::new(longitude, latitude))
    }
}

/// One or more members with their places: `(position, member)`, or an array, slice or `Vec` of such.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be members with their places",
    note = "one tuple `(Position, member)`, or an array, slice or `Vec` of them can"
)]
pub trait ToPlaces: sealed::Sealed {
    /// Writes the longitude, latitude and name of each.
    #[doc(hidden)]
    fn write_places(&self, args: &mut ArgsWriter<'_>);
}

mod sealed {
    pub trait Sealed {}
}

impl<M: ToArg> sealed::Sealed for (Position, M) {}
impl<M: ToArg> ToPlaces for (Position, M) {
    fn write_places(&self, args: &mut ArgsWriter<'_>) {
        args.one(&self.0.longitude);
        args.one(&self.0.latitude);
        args.one(&self.1);
    }
}

macro_rules! by_each {
    ($([$($generics:tt)*] $ty:ty;)*) => {$(
        impl<M: ToArg, $($generics)*> sealed::Sealed for $ty {}
        impl<M: ToArg, $($generics)*> ToPlaces for $ty {
            fn write_places(&self, args: &mut ArgsWriter<'_>) {
                self.iter().for_each(|place| place.write_places(args));
            }
        }
    )*};
}

by_each! {
    [] [(Position, M)];
    [] Vec<(Position, M)>;
    [const N: usize] [(Position, M); N];
}

impl<T: ToPlaces + ?Sized> sealed::Sealed for &T {}
impl<T: ToPlaces + ?Sized> ToPlaces for &T {
    fn write_places(&self, args: &mut ArgsWriter<'_>) {
        (**self).write_places(args);
    }
}

/// The middle of a search: a [`Position`], or a [`Member`] that has one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the middle of a search",
    note = "a `Position` can, or a member of the key: `Member(\"name\")`"
)]
pub trait Center: sealed::Sealed {
    /// Writes the words of GEOSEARCH for it.
    #[doc(hidden)]
    fn write_center(&self, args: &mut ArgsWriter<'_>);
}

/// FROMMEMBER: where this member is. It is found itself, too; where there is none, the command is an error.
#[derive(Clone, Copy, Debug)]
pub struct Member<M>(pub M);

impl<M: ToArg> sealed::Sealed for Member<M> {}
impl<M: ToArg> Center for Member<M> {
    fn write_center(&self, args: &mut ArgsWriter<'_>) {
        args.one("FROMMEMBER");
        args.one(&self.0);
    }
}

impl sealed::Sealed for Position {}
/// FROMLONLAT.
impl Center for Position {
    fn write_center(&self, args: &mut ArgsWriter<'_>) {
        args.one("FROMLONLAT");
        args.one(&self.longitude);
        args.one(&self.latitude);
    }
}

/// The area of a search around its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Area {
    /// BYRADIUS: a circle.
    Radius(f64, Unit),
    /// BYBOX: a rectangle along the meridian, of this width and height.
    Box(f64, f64, Unit),
}

impl Area {
    fn write(self, args: &mut ArgsWriter<'_>) {
        let unit = match self {
            Self::Radius(radius, unit) => {
                args.one("BYRADIUS");
                args.one(&radius);
                unit
            }
            Self::Box(width, height, unit) => {
                args.one("BYBOX");
                args.one(&width);
                args.one(&height);
                unit
            }
        };
        args.one(&unit);
    }
}

/// The words of GEOADD behind its options.
struct Places<P>(P);

impl<P: ToPlaces> ToArgs for Places<P> {
    fn write_args(&self, args: &mut ArgsWriter<'_>) {
        self.0.write_places(args);
    }
}

/// The words of a search: its middle and its area.
struct Search<C>(C, Area);

impl<C: Center> ToArgs for Search<C> {
    fn write_args(&self, args: &mut ArgsWriter<'_>) {
        self.0.write_center(args);
        self.1.write(args);
    }
}

/// A member that a search found: see [`Redis::geosearch`]. What was not asked for is `()`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found<T, D = (), H = (), P = ()> {
    /// Its name.
    pub member: T,
    /// How far it is from the middle, in the unit of the area: `f64` by `withdist`.
    pub distance: D,
    /// Its place in the 52 bits in which Redis keeps it: `u64` by `withhash`.
    pub hash: H,
    /// Its place: [`Position`] by `withcoord`.
    pub position: P,
}

/// What stands in a [`Found`]: what was asked for, or `()`.
pub trait Detail: Sized + sealed::Sealed {
    /// Reads it where it stands, if it does.
    #[doc(hidden)]
    fn read_detail(items: &mut Items<'_>) -> Result<Self, Error>;
}

impl sealed::Sealed for () {}
impl Detail for () {
    fn read_detail(_: &mut Items<'_>) -> Result<Self, Error> {
        Ok(())
    }
}

macro_rules! details {
    ($($ty:ty)*) => {$(
        impl Detail for $ty {
            fn read_detail(items: &mut Items<'_>) -> Result<Self, Error> {
                items.read()
            }
        }
    )*};
}

impl sealed::Sealed for f64 {}
impl sealed::Sealed for u64 {}
details!(f64 u64 Position);

impl<T: FromReply, D: Detail, H: Detail, P: Detail> FromReply for Found<T, D, H, P> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        // In this order, whatever the order of the options was.
        let mut items = reply.items()?;
        let found = Self {
            member: items.read()?,
            distance: D::read_detail(&mut items)?,
            hash: H::read_detail(&mut items)?,
            position: P::read_detail(&mut items)?,
        };
        items.end()?;
        Ok(found)
    }
}

/// The options of GEOADD.
#[derive(Debug)]
pub struct GeoAdd(());

impl<T> Command<'_, T, GeoAdd> {
    /// One more member, whose name may have another type.
    pub fn member(self, position: Position, member: impl ToArg) -> Self {
        self.with(position.longitude)
            .with(position.latitude)
            .with(member)
    }

    /// NX: adds new members only, and moves none.
    pub fn nx(self) -> Self {
        self.option("NX")
    }

    /// XX: moves members that are there only, and adds none.
    pub fn xx(self) -> Self {
        self.option("XX")
    }

    /// CH: the reply counts the members that moved too, not only the new ones.
    pub fn ch(self) -> Self {
        self.option("CH")
    }
}

/// The options of GEODIST.
#[derive(Debug)]
pub struct GeoDist(());

impl<T> Command<'_, T, GeoDist> {
    /// The unit of the distance; without this, meters.
    pub fn unit(self, unit: Unit) -> Self {
        self.with(unit)
    }
}

/// The options of GEOSEARCH and GEORADIUS_RO.
#[derive(Debug)]
pub struct GeoSearch(());

/// The options that are left to a search once it has details.
#[derive(Debug)]
pub struct GeoDetails(());

/// The options of GEOSEARCHSTORE.
#[derive(Debug)]
pub struct GeoSearchStore(());

/// Searches: they can be sorted and cut short.
pub trait Searches: sealed::Sealed {}

impl sealed::Sealed for GeoSearch {}
impl sealed::Sealed for GeoDetails {}
impl sealed::Sealed for GeoSearchStore {}
impl Searches for GeoSearch {}
impl Searches for GeoDetails {}
impl Searches for GeoSearchStore {}

impl<T, O: Searches> Command<'_, T, O> {
    /// ASC: the nearest first. Without `asc` and `desc` they come in no order.
    pub fn asc(self) -> Self {
        self.with("ASC")
    }

    /// DESC: the farthest first.
    pub fn desc(self) -> Self {
        self.with("DESC")
    }

    /// COUNT: at most so many, the nearest of all; with `desc` the farthest.
    pub fn count(self, count: u64) -> Self {
        self.with("COUNT").with(count)
    }

    /// COUNT and ANY: at most so many, whichever the server finds first. Quick, and not the nearest.
    pub fn count_any(self, count: u64) -> Self {
        self.with("COUNT").with(count).with("ANY")
    }
}

impl<'a, T> Command<'a, Vec<T>, GeoSearch> {
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
}

impl<'a, T, H, P> Command<'a, Vec<Found<T, (), H, P>>, GeoDetails> {
    /// WITHDIST: the distance from the middle too, in the unit of the area.
    pub fn withdist(self) -> Command<'a, Vec<Found<T, f64, H, P>>, GeoDetails> {
        self.with("WITHDIST").cast()
    }
}

impl<'a, T, D, P> Command<'a, Vec<Found<T, D, (), P>>, GeoDetails> {
    /// WITHHASH: the place as Redis keeps it too, 52 bits.
    pub fn withhash(self) -> Command<'a, Vec<Found<T, D, u64, P>>, GeoDetails> {
        self.with("WITHHASH").cast()
    }
}

impl<'a, T, D, H> Command<'a, Vec<Found<T, D, H>>, GeoDetails> {
    /// WITHCOORD: the place too.
    pub fn withcoord(self) -> Command<'a, Vec<Found<T, D, H, Position>>, GeoDetails> {
        self.with("WITHCOORD").cast()
    }
}

impl Command<'_, u64, GeoSearchStore> {
    /// STOREDIST: stores the distances from the middle as scores, in the unit of the area; without
    /// this, the places, so that the destination can be searched in turn.
    pub fn storedist(self) -> Self {
        self.with("STOREDIST")
    }
}

impl Redis {
    /// Adds members with their places, or moves those that are there; gives how many are new.
    ///
    /// They are kept in a sorted set: `zrem` takes them out. A place out of range is an error with
    /// code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::Position;
    ///
    /// let palermo = Position::new(13.361389, 38.115556);
    /// let catania = Position::new(15.087269, 37.502669);
    /// assert_eq!(redis.geoadd("sicily", [(palermo, "Palermo"), (catania, "Catania")]).await?, 2);
    /// assert_eq!(redis.geoadd("sicily", (catania, "Palermo")).xx().ch().await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many members.
    ///
    /// Source: [GEOADD](https://redis.io/docs/latest/commands/geoadd/).
    pub fn geoadd(&self, key: impl ToArg, places: impl ToPlaces) -> Command<'_, u64, GeoAdd> {
        Command::new(self, "GEOADD")
            .with(key)
            .front()
            .with_all(Places(places))
    }

    /// How far two members are apart, in meters unless [`unit`](Command::unit) says otherwise; `None`
    /// if one of them or the key is missing.
    ///
    /// The earth is taken for a sphere, which may be off by half a percent.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Position, Unit};
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// redis.geoadd("sicily", (Position::new(15.087269, 37.502669), "Catania")).await?;
    /// let distance = redis.geodist("sicily", "Palermo", "Catania").unit(Unit::Kilometers).await?;
    /// assert_eq!(distance, Some(166.2742));
    /// assert_eq!(redis.geodist("sicily", "Palermo", "Roma").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEODIST](https://redis.io/docs/latest/commands/geodist/).
    pub fn geodist(
        &self,
        key: impl ToArg,
        member1: impl ToArg,
        member2: impl ToArg,
    ) -> Command<'_, Option<f64>, GeoDist> {
        Command::new(self, "GEODIST")
            .with(key)
            .with(member1)
            .with(member2)
    }

    /// The places of several members as geohashes, 11 letters each, in their order; `None` where there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::Position;
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// let hashes = redis.geohash("sicily", ["Palermo", "Roma"]).await?;
    /// assert_eq!(hashes, [Some("sqc8b49rny0".into()), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEOHASH](https://redis.io/docs/latest/commands/geohash/).
    pub fn geohash(
        &self,
        key: impl ToArg,
        members: impl ToArgs,
    ) -> Command<'_, Vec<Option<String>>> {
        Command::new(self, "GEOHASH").with(key).with_all(members)
    }

    /// The places of several members, in their order; `None` where there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::Position;
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// let places = redis.geopos("sicily", ["Roma", "Palermo"]).await?;
    /// assert_eq!(places[0], None);
    /// assert!(places[1].is_some_and(|palermo| (palermo.latitude - 38.115556).abs() < 0.00001));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEOPOS](https://redis.io/docs/latest/commands/geopos/).
    pub fn geopos(
        &self,
        key: impl ToArg,
        members: impl ToArgs,
    ) -> Command<'_, Vec<Option<Position>>> {
        Command::new(self, "GEOPOS").with(key).with_all(members)
    }

    /// The members in an area around a [`Position`] or a [`Member`]; none if there is no such key.
    ///
    /// They come as names; [`withdist`](Command::withdist), `withcoord` and `withhash` make a
    /// [`Found`] of each, with what was asked for.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Area, Member, Position, Unit};
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// redis.geoadd("sicily", (Position::new(15.087269, 37.502669), "Catania")).await?;
    ///
    /// let around = Area::Radius(200.0, Unit::Kilometers);
    /// let near = redis.geosearch::<String>("sicily", Position::new(15.0, 37.0), around).asc().withdist().await?;
    /// assert_eq!((&*near[0].member, near[0].distance), ("Catania", 56.4413));
    ///
    /// let square = Area::Box(100.0, 100.0, Unit::Miles);
    /// assert_eq!(redis.geosearch::<String>("sicily", Member("Palermo"), square).await?, ["Palermo"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEOSEARCH](https://redis.io/docs/latest/commands/geosearch/).
    pub fn geosearch<T: FromReply>(
        &self,
        key: impl ToArg,
        center: impl Center,
        area: Area,
    ) -> Command<'_, Vec<T>, GeoSearch> {
        Command::new(self, "GEOSEARCH")
            .with(key)
            .with_all(Search(center, area))
    }

    /// Stores what [`geosearch`](Self::geosearch) finds in `source` under `destination`, which is
    /// overwritten; gives how many members it has.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::geo::{Area, Position, Unit};
    ///
    /// redis.geoadd("sicily", (Position::new(13.361389, 38.115556), "Palermo")).await?;
    /// let around = Area::Radius(200.0, Unit::Kilometers);
    /// let stored = redis.geosearchstore("near", "sicily", Position::new(15.0, 37.0), around).storedist().await?;
    /// assert_eq!(stored, 1);
    /// assert!(redis.zscore("near", "Palermo").await?.is_some_and(|kilometers| kilometers < 200.0));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GEOSEARCHSTORE](https://redis.io/docs/latest/commands/geosearchstore/).
    pub fn geosearchstore(
        &self,
        destination: impl ToArg,
        source: impl ToArg,
        center: impl Center,
        area: Area,
    ) -> Command<'_, u64, GeoSearchStore> {
        Command::new(self, "GEOSEARCHSTORE")
            .with(destination)
            .with(source)
            .with_all(Search(center, area))
    }
}
