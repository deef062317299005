//! Which moments of objects are asked for, and the columns that they make.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::region_properties::Columns;
use crate::kernel::{Cubes, Region, RegionMoments};

/// A kind of moments of objects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// `m00` to `m03`: sums of powers of the coordinates, counted from the corner of the image.
    Raw,
    /// `mu30`, `mu21`, `mu12`, `mu03`: of coordinates counted from the centroid. Those of second
    /// order are in every table.
    Central,
    /// `nu20` to `nu03`: central ones by powers of the area, so that size does not matter.
    Normalized,
    /// `hu1` to `hu7`: combinations of those that do not depend on the orientation either.
    Hu,
}

/// The powers of x and y in columns of moments, in their order.
const ORDERS: [(usize, usize); 10] =
    [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)];

const RAW: [&str; 10] = ["m00", "m10", "m01", "m20", "m11", "m02", "m30", "m21", "m12", "m03"];
const CENTRAL: [&str; 4] = ["mu30", "mu21", "mu12", "mu03"];
const NORMALIZED: [&str; 7] = ["nu20", "nu11", "nu02", "nu30", "nu21", "nu12", "nu03"];
const HU: [&str; 7] = ["hu1", "hu2", "hu3", "hu4", "hu5", "hu6", "hu7"];

/// The columns of these kinds, in the order of the kinds; with none, `cubes` may be empty.
pub(super) fn columns(
    kinds: &BTreeSet<MomentKind>,
    regions: &[Region],
    cubes: &[Cubes],
) -> Columns {
    let all = || regions.iter().zip(cubes).map(|(region, cubes)| RegionMoments::new(region, cubes));
    // The names are those of the last orders.
    let by_order = |names: &[&'static str], moment: fn(&RegionMoments, usize, usize) -> f64| {
        let orders = &ORDERS[ORDERS.len() - names.len()..];
        let column = |(&name, &(p, q))| (name, all().map(|own| moment(&own, p, q)).collect());
        names.iter().zip(orders).map(column).collect::<Columns>()
    };
    let of_kind = |kind: &MomentKind| match kind {
        MomentKind::Raw => by_order(&RAW, RegionMoments::raw),
        MomentKind::Central => by_order(&CENTRAL, RegionMoments::central),
        MomentKind::Normalized => by_order(&NORMALIZED, RegionMoments::normalized),
        MomentKind::Hu => {
            let mut columns = HU.map(|name| (name, Vec::with_capacity(regions.len())));
            for own in all() {
                columns.iter_mut().zip(own.hu()).for_each(|((_, column), hu)| column.push(hu));
            }
            columns.into()
        }
    };
    kinds.iter().flat_map(of_kind).collect()
}
