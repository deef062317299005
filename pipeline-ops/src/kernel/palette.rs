//! Colours for numbers: palettes of 256 entries.

use bytemuck::bytes_of;
use pipeline_core::{Sample, SampleType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The colours that stand for low to high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Palette {
    /// Black to white.
    Gray,
    /// Dark blue over green to yellow: even steps, for the colour-blind too.
    #[default]
    Viridis,
    /// Black over purple to pale yellow: even steps.
    Magma,
    /// Black over red to pale yellow: even steps, with more contrast.
    Inferno,
    /// Blue over red to yellow: even steps, without a dark end.
    Plasma,
    /// Blue, green, yellow, red: the most steps that can be told apart, at the price of evenness.
    Turbo,
}

/// The tables one after the other, in the order of their names below.
const TABLES: &[u8] = include_bytes!("tables/palettes.rgb");

/// Entries of a palette.
const ENTRIES: usize = 256;

impl Palette {
    /// Its colours, from low to high.
    fn colors(self) -> [[u8; 3]; ENTRIES] {
        let table = match self {
            Self::Gray => return std::array::from_fn(|level| [level as u8; 3]),
            Self::Viridis => 0,
            Self::Magma => 1,
            Self::Inferno => 2,
            Self::Plasma => 3,
            Self::Turbo => 4,
        };
        let (colors, _) = TABLES.as_chunks::<3>();
        std::array::from_fn(|level| colors[table * ENTRIES + level])
    }
}

/// The colours of gray samples: a range of them is cut into 256 equal parts.
///
/// 8-bit samples go through a table of 256 colours; the result is the same.
#[derive(Debug)]
pub(crate) struct Painting {
    /// Those of the parts, or of the samples if these have 8 bits.
    colors: [[u8; 3]; ENTRIES],
    range: (f32, f32),
    /// What samples and range are multiplied by, so that their difference is a number: 1, but for a
    /// range of nearly all floats.
    unit: f32,
}

impl Painting {
    /// The colours of samples of type `T` between two numbers.
    #[must_use]
    pub(crate) fn new<T: Sample>(palette: Palette, range: (f32, f32)) -> Self {
        let (low, high) = range;
        let unit = if (high - low).is_finite() { 1.0 } else { 0.5 };
        let range = (low * unit, high * unit);
        let mut painting = Self { colors: palette.colors(), range, unit };
        if T::TYPE == SampleType::U8 {
            painting.colors = std::array::from_fn(|sample| painting.part_of(sample as f32));
        }
        painting
    }

    /// Fills pixels of three or, with alpha, four samples with the colours of a row of the type it
    /// was made for. What is no number is black; alpha stays.
    pub(crate) fn row<T: Sample>(&self, row: &[T], alpha: bool, out: &mut [u8]) {
        if !alpha {
            let pixels = out.as_chunks_mut::<3>().0.iter_mut().zip(row);
            return pixels.for_each(|(out, &gray)| *out = self.color(gray));
        }
        let pixels = out.as_chunks_mut::<4>().0.iter_mut().zip(row.as_chunks::<2>().0);
        for ([red, green, blue, opacity], &[gray, alpha]) in pixels {
            [*red, *green, *blue] = self.color(gray);
            *opacity = u8::from_f32(alpha.to_f32() / T::WHITE * u8::WHITE);
        }
    }

    #[inline(always)]
    fn color<T: Sample>(&self, gray: T) -> [u8; 3] {
        if T::TYPE == SampleType::U8 {
            self.colors[usize::from(bytes_of(&gray)[0])]
        } else {
            self.part_of(gray.to_f32())
        }
    }

    fn part_of(&self, gray: f32) -> [u8; 3] {
        let (low, high) = self.range;
        let share = (gray * self.unit - low) / (high - low);
        if share.is_nan() {
            return [0; 3];
        }
        self.colors[((share * ENTRIES as f32) as usize).min(ENTRIES - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_palette_has_its_ends() {
        let ends = |palette: Palette| (palette.colors()[0], palette.colors()[255]);
        assert_eq!(TABLES.len(), 5 * ENTRIES * 3);
        assert_eq!(ends(Palette::Gray), ([0; 3], [255; 3]));
        assert_eq!(ends(Palette::Viridis), ([68, 1, 84], [253, 231, 37]));
        assert_eq!(ends(Palette::Magma), ([0, 0, 4], [252, 253, 191]));
        assert_eq!(ends(Palette::Inferno), ([0, 0, 4], [252, 255, 164]));
        assert_eq!(ends(Palette::Plasma), ([13, 8, 135], [240, 249, 33]));
        assert_eq!(ends(Palette::Turbo), ([48, 18, 59], [122, 4, 3]));
    }

    #[test]
    fn eight_bits_are_the_entries_and_what_is_beyond_is_the_nearest() {
        let row: Vec<u8> = (0..=255).collect();
        let mut out = vec![0; 768];
        Painting::new::<u8>(Palette::Gray, (0.0, 255.0)).row(&row, false, &mut out);
        assert!(row.iter().zip(out.chunks_exact(3)).all(|(&level, color)| color == [level; 3]));

        let row = [-5.0, 2.0, 2.99, 3.0, 6.0, 99.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let mut out = vec![0; 27];
        Painting::new::<f32>(Palette::Gray, (2.0, 6.0)).row(&row, false, &mut out);
        let found: Vec<u8> = out.into_iter().step_by(3).collect();
        assert_eq!(found, [0, 0, 63, 64, 255, 255, 0, 255, 0]);

        let mut out = [0; 9];
        Painting::new::<f32>(Palette::Gray, (f32::MIN, f32::MAX)).row(
            &[f32::MIN, 0.0, f32::MAX],
            false,
            &mut out,
        );
        assert_eq!(out, [0, 0, 0, 128, 128, 128, 255, 255, 255]);

        let mut out = [7; 4];
        Painting::new::<f32>(Palette::Gray, (0.0, 1.0)).row(&[0.5f32, 0.2], true, &mut out);
        assert_eq!(out, [128, 128, 128, 51]);
    }
}
