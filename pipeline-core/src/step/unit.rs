//! What is made for a tile: a step, or several that are one table.
//!
//! Steps that make each 8-bit sample from itself alone (`Spec::by_sample`) are a table of 256
//! entries, and so are several of them in a row. A ramp of all samples is sent through them once,
//! so the bits are those that they make one by one.

use super::context::Context;
use super::fused::Layouts;
use super::group::{Member, Origin, Watch};
use super::tile::Tile;
use crate::data::{Layout, SampleType, View, ViewMut, look_up};
use crate::error::{Error, Result};

/// A step of a group, or several of them.
pub(super) struct Unit<'a> {
    /// Their places; the last one makes the result.
    pub(super) places: Vec<u32>,
    /// What the first one reads.
    pub(super) inputs: Vec<Origin>,
    /// Nanoseconds to make the whole image, if anything is known of them.
    pub(super) nanos: Option<f32>,
    is_by_sample: bool,
    form: Form<'a>,
}

enum Form<'a> {
    Own(&'a dyn Tile),
    Profiled(Box<dyn Tile>),
    Curve(Box<Curve>),
}

impl<'a> Unit<'a> {
    /// One step.
    pub(super) fn new(member: &Member, step: &'a dyn Tile) -> Self {
        let Member { place, ref inputs, is_by_sample, .. } = *member;
        let (places, inputs, form) = (vec![place], inputs.clone(), Form::Own(step));
        Self { places, inputs, nanos: None, is_by_sample, form }
    }

    pub(super) fn tile(&self) -> &dyn Tile {
        match &self.form {
            Form::Own(step) => *step,
            Form::Profiled(step) => &**step,
            Form::Curve(curve) => &**curve,
        }
    }

    /// Takes the form that knows the profile.
    pub(super) fn take(&mut self, step: Box<dyn Tile>) {
        self.form = Form::Profiled(step);
    }

    /// The place whose result is that of the unit.
    pub(super) fn place(&self) -> u32 {
        self.places[self.places.len() - 1]
    }
}

/// Makes one table of each row of steps that are tables.
pub(super) fn condense<'a>(
    units: Vec<Unit<'a>>,
    layouts: Layouts,
    watch: &dyn Watch,
) -> (Vec<Unit<'a>>, Layouts) {
    let mut readers = vec![0; units.len()];
    for origin in units.iter().flat_map(|unit| &unit.inputs) {
        if let Origin::Member(before) = *origin {
            readers[before] += 1;
        }
    }
    // Where each unit is in the new order; one that became a part of its reader is where that is.
    let mut numbers = Vec::with_capacity(units.len());
    let (mut condensed, mut new) = (Vec::<Unit<'a>>::new(), Layouts::default());
    let all = units.into_iter().zip(layouts.reads).zip(layouts.makes);
    for ((mut unit, reads), makes) in all {
        let from = match unit.inputs[..] {
            [Origin::Member(before)] if readers[before] == 1 => Some(numbers[before]),
            _ => None,
        };
        for origin in &mut unit.inputs {
            if let Origin::Member(before) = origin {
                *before = numbers[*before];
            }
        }
        if is_by_sample(&unit, &reads, makes)
            && let Some(curve) = Curve::of(unit.tile(), makes, unit.place(), watch)
        {
            // Nobody else reads what it joins. The last unit of all joins the last one, because
            // whatever is made is made for it.
            if let Some(from) = from
                && let Unit { places, nanos, form: Form::Curve(before), .. } = &mut condensed[from]
            {
                before.then(&curve);
                places.extend(unit.places);
                *nanos = nanos.zip(unit.nanos).map(|(before, own)| before + own);
                numbers.push(from);
                continue;
            }
            unit.form = Form::Curve(Box::new(curve));
        }
        numbers.push(condensed.len());
        condensed.push(unit);
        new.reads.push(reads);
        new.makes.push(makes);
    }
    (condensed, new)
}

/// Whether a step makes each sample from itself alone, in images large enough that a table pays.
fn is_by_sample(unit: &Unit<'_>, reads: &[Layout], makes: Layout) -> bool {
    makes.sample == SampleType::U8
        && reads == [makes]
        && makes.sample_count().is_ok_and(|count| count >= 1 << 12)
        && unit.is_by_sample
}

/// A function of one 8-bit sample.
pub(crate) struct Curve([u8; 256]);

impl Curve {
    /// What a step makes of each sample of an image that is otherwise like this; `None` if it makes
    /// nothing of them.
    pub(super) fn of(step: &dyn Tile, like: Layout, place: u32, watch: &dyn Watch) -> Option<Self> {
        let layout = Layout { width: 256, height: 1, channels: 1, ..like };
        let ramp: [u8; 256] = std::array::from_fn(|sample| sample.to_le_bytes()[0]);
        let mut table = [0; 256];
        let made = watch.within(&[place], &mut || {
            if step.layout(&[layout])? != layout {
                return Err(Error::failed("a step by samples changes the layout"));
            }
            let input = View::packed(layout, layout.region(), &ramp);
            let mut out = ViewMut::packed(layout, layout.region(), &mut table);
            step.render(&[input], &mut out, &Context { node: place, ..Context::default() })
        });
        made.ok().map(|()| Self(table))
    }

    /// The same of a step that runs in no graph.
    #[cfg(feature = "testkit")]
    pub(crate) fn alone(step: &dyn Tile, like: Layout) -> Option<Self> {
        Self::of(step, like, 0, &super::group::Unwatched)
    }

    /// Becomes this function and then the other.
    fn then(&mut self, next: &Self) {
        self.0 = self.0.map(|sample| next.0[usize::from(sample)]);
    }
}

impl Tile for Curve {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = inputs[0].crop(out.region()).typed::<u8>()?;
        let (channels, has_alpha) = (usize::from(out.image().channels), out.image().has_alpha());
        for (y, row) in out.rows::<u8>()? {
            ctx.check()?;
            let from = input.row(y);
            look_up(&self.0, from, row);
            if has_alpha {
                let opacities = from.iter().skip(channels - 1).step_by(channels);
                let places = row.iter_mut().skip(channels - 1).step_by(channels);
                places.zip(opacities).for_each(|(to, opacity)| *to = *opacity);
            }
        }
        Ok(())
    }
}
