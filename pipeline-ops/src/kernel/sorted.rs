//! Which of many numbers lie in a range.

/// Numbers in ascending order, each with its place among those that came. What is not finite lies
/// in no range.
#[derive(Debug)]
pub(crate) struct Sorted {
    numbers: Vec<(f64, usize)>,
}

impl Sorted {
    pub(crate) fn new(numbers: impl IntoIterator<Item = f64>) -> Self {
        let places = numbers.into_iter().enumerate().map(|(place, number)| (number, place));
        let mut numbers: Vec<_> = places.filter(|(number, _)| number.is_finite()).collect();
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { numbers }
    }

    /// The places of the numbers from `first` to `last`, in the order of the numbers.
    pub(crate) fn within(&self, first: f64, last: f64) -> impl Iterator<Item = usize> + '_ {
        let from = self.numbers.partition_point(|&(number, _)| number < first);
        self.numbers[from..]
            .iter()
            .take_while(move |(number, _)| *number <= last)
            .map(|pair| pair.1)
    }
}
