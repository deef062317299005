//! Structural similarity: means, variances and covariance of two images over a window.

/// A window, as weights along one axis, and what keeps small variances from deciding.
#[derive(Debug)]
pub(crate) struct Similarity {
    /// The weights along one axis, which sum to 1.
    weights: Vec<f64>,
    /// What a variance over the window is multiplied by.
    unbiased: f64,
    /// The constants of brightness and of contrast.
    constants: (f64, f64),
}

/// The weighted sums of both images, their squares and their product.
type Sums = [f64; 5];

impl Similarity {
    /// All `size` × `size` pixels alike; variances are those of a sample.
    pub(crate) fn uniform(size: usize, range: f64) -> Self {
        let area = (size * size) as f64;
        let weights = vec![1.0 / size as f64; size];
        Self { weights, unbiased: area / (area - 1.0), constants: constants(range) }
    }

    /// A Gaussian that is cut off; variances are those of the pixels themselves.
    pub(crate) fn gaussian(sigma: f64, radius: i32, range: f64) -> Self {
        let bell = |place: i32| (-0.5 * (f64::from(place) / sigma).powi(2)).exp();
        let sum: f64 = (-radius..=radius).map(bell).sum();
        let weights = (-radius..=radius).map(|place| bell(place) / sum).collect();
        Self { weights, unbiased: 1.0, constants: constants(range) }
    }

    /// The side of the window, in pixels.
    pub(crate) fn size(&self) -> usize {
        self.weights.len()
    }

    /// The sum of the similarities at all places of the window in some rows of two images, of which
    /// there are as many as weights. `columns` is working memory, as long as a row.
    pub(crate) fn row(&self, rows: &[(&[f64], &[f64])], columns: &mut [Sums]) -> f64 {
        columns.fill([0.0; 5]);
        for (&weight, (a, b)) in self.weights.iter().zip(rows) {
            for ((sums, &a), &b) in columns.iter_mut().zip(*a).zip(*b) {
                let products = [a, b, a * a, b * b, a * b];
                sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += weight * product);
            }
        }
        columns.windows(self.weights.len()).map(|window| self.at(window)).sum()
    }

    fn at(&self, window: &[Sums]) -> f64 {
        let mut sums = [0.0; 5];
        for (&weight, column) in self.weights.iter().zip(window) {
            sums.iter_mut().zip(column).for_each(|(sum, column)| *sum += weight * column);
        }
        let [a, b, aa, bb, ab] = sums;
        let variances = self.unbiased * (aa - a * a) + self.unbiased * (bb - b * b);
        let covariance = self.unbiased * (ab - a * b);
        let (brightness, contrast) = self.constants;
        (2.0 * a * b + brightness) * (2.0 * covariance + contrast)
            / ((a * a + b * b + brightness) * (variances + contrast))
    }
}

/// What keeps dark and flat places from deciding, with the factors that the index was made with.
fn constants(range: f64) -> (f64, f64) {
    ((0.01 * range).powi(2), (0.03 * range).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_images_are_fully_similar() {
        let row = [3.0, 5.0, 200.0, 7.0];
        let rows = [(&row[..], &row[..]); 3];
        for similarity in [Similarity::uniform(3, 255.0), Similarity::gaussian(0.8, 1, 255.0)] {
            let sum = similarity.row(&rows, &mut [[0.0; 5]; 4]);
            assert!((sum - 2.0).abs() < 1e-12, "{similarity:?}: {sum}");
        }
    }
}
