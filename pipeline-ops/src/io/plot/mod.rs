//! Plots of lines as text of SVG.
//!
//! Places have one decimal, and nothing comes from the machine: the same lines are the same bytes.
//! Words are left to the fonts of the viewer, so the room for them is an estimate.

mod axis;
mod lines;

use std::io::{self, Write};

use crate::kernel::hue_of;
use axis::{Axis, Tick};
use lines::{Line, chosen, median, thinned};

/// The size of a plot, in pixels.
const SIZE: (f64, f64) = (800.0, 500.0);

/// Room at the edges, to the right and below.
const EDGE: (f64, f64) = (20.0, 56.0);

/// The width of a digit.
const DIGIT: f64 = 7.5;

/// Up to how many ticks an axis has, or one more.
const TICKS: (u32, u32) = (9, 6);

/// What a plot shows.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// What stands at the axes.
    pub(super) labels: (&'a str, &'a str),
    /// The columns: `x`, `y`, and the numbers that the rows of a line have in common.
    pub(super) columns: (&'a [f64], &'a [f64], &'a [f64]),
    /// How many lines are drawn at most.
    pub(super) most: usize,
}

/// The places of a plot.
struct Frame {
    left: f64,
    top: f64,
    x: Axis,
    y: Axis,
}

impl Frame {
    fn width(&self) -> f64 {
        SIZE.0 - EDGE.0 - self.left
    }

    fn height(&self) -> f64 {
        SIZE.1 - EDGE.1 - self.top
    }

    /// Where a share of the axes lies, in pixels.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * self.width(), self.top + (1.0 - y) * self.height())
    }

    fn place(&self, &(x, y): &(f64, f64)) -> (f64, f64) {
        self.at(self.x.place(x), self.y.place(y))
    }
}

impl Plot<'_> {
    /// Writes the plot.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (x, y, by) = self.columns;
        let lines = lines::lines(x, y, by);
        let points = lines.iter().flat_map(|line| &line.points);
        let x = Axis::new(points.clone().map(|&(x, _)| x), TICKS.0);
        let y = Axis::new(points.map(|&(_, y)| y).filter(|y| !y.is_nan()), TICKS.1);
        let (x_ticks, y_ticks) = (x.ticks(), y.ticks());
        let widest = y_ticks.iter().map(|tick| tick.label.chars().count()).max();
        #[expect(clippy::cast_precision_loss, reason = "labels are short")]
        let left = 48.0 + DIGIT * widest.unwrap_or(0) as f64;
        let frame = Frame { left, top: if self.title.is_empty() { 36.0 } else { 62.0 }, x, y };

        let (width, height) = SIZE;
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\" \
             font-size=\"13\" fill=\"#333\">"
        )?;
        writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>")?;
        if !self.title.is_empty() {
            let title = escaped(self.title);
            writeln!(out, "<text x=\"{left:.1}\" y=\"28\" font-size=\"17\">{title}</text>")?;
        }
        self.write_axes(&frame, (&x_ticks, &y_ticks), out)?;
        self.write_lines(&frame, &lines, out)?;
        writeln!(out, "</svg>")
    }

    fn write_axes(
        &self,
        frame: &Frame,
        (x_ticks, y_ticks): (&[Tick], &[Tick]),
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (left, bottom) = frame.at(0.0, 0.0);
        let (right, top) = frame.at(1.0, 1.0);
        let mut grid = String::new();
        for tick in x_ticks {
            let (x, y) = (frame.at(tick.place, 0.0).0, bottom + 19.0);
            grid += &format!("M{x:.1} {top:.1}V{bottom:.1}");
            let label = &tick.label;
            writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>")?;
        }
        for tick in y_ticks {
            let (x, y) = (left - 8.0, frame.at(0.0, tick.place).1);
            grid += &format!("M{left:.1} {y:.1}H{right:.1}");
            let (y, label) = (y + 4.5, &tick.label);
            writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>")?;
        }
        writeln!(out, "<path d=\"{grid}\" stroke=\"#e4e4e4\"/>")?;
        let edges = format!("M{left:.1} {top:.1}V{bottom:.1}H{right:.1}");
        writeln!(out, "<path d=\"{edges}\" fill=\"none\" stroke=\"#555\"/>")?;

        let (x, y) = (f64::midpoint(left, right), SIZE.1 - 14.0);
        let label = axis_label(self.labels.0, &frame.x);
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>")?;
        let (y, label) = (f64::midpoint(top, bottom), axis_label(self.labels.1, &frame.y));
        writeln!(
            out,
            "<text transform=\"translate(20 {y:.1})rotate(-90)\" \
             text-anchor=\"middle\">{label}</text>"
        )
    }

    fn write_lines(&self, frame: &Frame, lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
        let (x, y) = (frame.left, frame.top - 13.0);
        if lines.is_empty() {
            let (x, y) = frame.at(0.5, 0.5);
            return writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"17\" \
                 fill=\"#777\">no traces</text>"
            );
        }
        let count = lines.len();
        let drawn = count.min(self.most);
        let number = if drawn < count { format!("{drawn} of {count}") } else { count.to_string() };
        let traces = if count == 1 { "trace" } else { "traces" };
        let black = if count == 1 { "" } else { ", their median in black" };
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#777\">{number} {traces}{black}</text>"
        )?;

        // Of many, each has to let others through.
        let opacity = if drawn > 100 { 0.4 } else { 0.7 };
        writeln!(out, "<g fill=\"none\" stroke-linejoin=\"round\" stroke-opacity=\"{opacity}\">")?;
        for line in chosen(lines, self.most) {
            write_line(frame, line, (&color_of(line.number), 1.2), out)?;
        }
        writeln!(out, "</g>\n<g fill=\"none\" stroke-linejoin=\"round\">")?;
        if count > 1 {
            let median = median(lines);
            for style in [("#fff", 4.8), ("#000", 2.4)] {
                write_line(frame, &median, style, out)?;
            }
        }
        writeln!(out, "</g>")
    }
}

/// Writes a line, which begins anew behind gaps; a point between two gaps is a dot.
fn write_line(
    frame: &Frame,
    line: &Line,
    (color, width): (&str, f64),
    out: &mut dyn Write,
) -> io::Result<()> {
    let places: Vec<_> = line.points.iter().map(|point| frame.place(point)).collect();
    let places = thinned(&places);
    let mut path = String::new();
    for part in places.split(|(_, y)| y.is_nan()) {
        if let &[(x, y)] = part {
            let radius = 1.4 + width / 2.0;
            writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{color}\"/>"
            )?;
        } else {
            for (at, (x, y)) in part.iter().enumerate() {
                path += &format!("{}{x:.1} {y:.1}", if at == 0 { "M" } else { " " });
            }
        }
    }
    if path.is_empty() {
        return Ok(());
    }
    writeln!(out, "<path d=\"{path}\" stroke=\"{color}\" stroke-width=\"{width}\"/>")
}

/// The colour of a line: always the same of one number, as in `draw_tracks`.
fn color_of(number: f64) -> String {
    let [red, green, blue] = hue_of(number).dark;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// What stands at an axis, with the power of ten that its labels are to be multiplied by.
fn axis_label(label: &str, axis: &Axis) -> String {
    let label = escaped(label);
    if axis.exponent == 0 {
        return label;
    }
    let raised = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    let exponent: String = axis.exponent.to_string().chars().map(raised).collect();
    format!("{label} (× 10{exponent})")
}

/// Words as they stand in XML, which does not take control characters at all.
fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for character in words.chars() {
        match character {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '\u{fffe}' | '\u{ffff}' => text.push(' '),
            character if character.is_control() => text.push(' '),
            character => text.push(character),
        }
    }
    text
}
