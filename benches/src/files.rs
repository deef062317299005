//! What opening and saving a picture cost beside the fastest crate for its format, called directly.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline_core::{Context, Error, Image, In, Result, Step};
use pipeline_ops::io::{Open, Save};
use tempfile::TempDir;
use tiff::encoder::colortype::RGB8;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_png::PngDecoder;

use crate::clock::cpu_of;
use crate::figure::{Figure, Samples, ratio};
use crate::pictures::photo;

const SIZE: (u32, u32) = (3000, 2000);

/// Of a picture of RGB that is too large to be decoded at once.
const LARGE: (u32, u32) = (6000, 4000);

const QUALITY: u8 = 90;

/// A crate that reads or writes one format.
#[derive(Debug, Clone, Copy)]
pub struct Direct<F> {
    /// The crate.
    pub name: &'static str,
    /// What it does.
    pub call: F,
}

/// The samples of a file.
pub type Decode = fn(&Path) -> Vec<u8>;

/// Writes an image of RGB into a file.
pub type Encode = fn(&Image, &Path);

/// A format, and the crates that are called directly.
#[derive(Debug)]
pub struct Format {
    /// The extension of its files.
    pub name: &'static str,
    /// Those that read it.
    pub decoders: &'static [Direct<Decode>],
    /// Those that write it.
    pub encoders: &'static [Direct<Encode>],
}

/// The formats that are measured.
pub static FORMATS: [Format; 3] = [
    Format {
        name: "png",
        decoders: &[
            Direct { name: "png", call: decode_png },
            Direct { name: "zune-png", call: decode_png_zune },
        ],
        encoders: &[Direct { name: "png", call: encode_png }],
    },
    Format {
        name: "jpg",
        decoders: &[Direct { name: "zune-jpeg", call: decode_jpeg }],
        encoders: &[Direct { name: "jpeg-encoder", call: encode_jpeg }],
    },
    Format {
        name: "tif",
        decoders: &[Direct { name: "tiff", call: decode_tiff }],
        encoders: &[Direct { name: "tiff", call: encode_tiff }],
    },
];

/// A photo, in memory and as a file of each format.
#[derive(Debug)]
pub struct Pictures {
    image: Image,
    folder: TempDir,
}

impl Pictures {
    /// The coffee of the examples, made larger: six megapixels.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn new() -> Result<Self> {
        Self::of_size(SIZE)
    }

    fn of_size((width, height): (u32, u32)) -> Result<Self> {
        let image = photo(width, height)?;
        let folder = tempfile::tempdir().map_err(|error| Error::failed(error.to_string()))?;
        let pictures = Self { image, folder };
        FORMATS.iter().for_each(|format| pictures.save(format));
        Ok(pictures)
    }

    /// Its file of a format.
    #[must_use]
    pub fn file(&self, format: &Format) -> PathBuf {
        self.folder.path().join("picture").with_extension(format.name)
    }

    /// Saves the file of a format with a crate. Like our step, it leaves the old file whole until
    /// the new one is.
    ///
    /// # Panics
    /// If it cannot be saved.
    pub fn save_with(&self, encoder: &Direct<Encode>, format: &Format) {
        let (file, folder) = (self.file(format), self.folder.path());
        let new = folder.join("new");
        (encoder.call)(&self.image, &new);
        fs::rename(new, file).expect("a folder of ours");
    }

    /// Opens the file of a format with our step.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[must_use]
    pub fn open(&self, format: &Format) -> Image {
        Open::path(self.file(format)).run((), &Context::default()).expect("a file of ours")
    }

    /// Saves the file of a format with our step, without waiting for the disk.
    ///
    /// # Panics
    /// If it cannot be saved.
    pub fn save(&self, format: &Format) {
        let step = Save { quality: QUALITY, durable: false, ..Save::path(self.file(format)) };
        step.run(In::new(self.image.clone()), &Context::default()).expect("a folder of ours");
    }
}

fn reader(path: &Path) -> BufReader<File> {
    BufReader::with_capacity(256 << 10, File::open(path).expect("a file of ours"))
}

fn writer(path: &Path) -> BufWriter<File> {
    BufWriter::with_capacity(256 << 10, File::create(path).expect("a folder of ours"))
}

fn bytes(path: &Path) -> ZCursor<Vec<u8>> {
    ZCursor::new(fs::read(path).expect("a file of ours"))
}

fn decode_png(path: &Path) -> Vec<u8> {
    let mut reader = png::Decoder::new(reader(path)).read_info().expect("a PNG file");
    let mut samples = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut samples).expect("a picture");
    samples
}

fn decode_png_zune(path: &Path) -> Vec<u8> {
    PngDecoder::new(bytes(path)).decode_raw().expect("a PNG file")
}

fn decode_jpeg(path: &Path) -> Vec<u8> {
    JpegDecoder::new(bytes(path)).decode().expect("a JPEG file")
}

fn decode_tiff(path: &Path) -> Vec<u8> {
    let mut decoder = tiff::decoder::Decoder::new(reader(path)).expect("a TIFF file");
    match decoder.read_image().expect("a picture") {
        tiff::decoder::DecodingResult::U8(samples) => samples,
        _ => Vec::new(),
    }
}

fn encode_png(image: &Image, path: &Path) {
    let mut encoder = png::Encoder::new(writer(path), image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header().expect("a head");
    writer.write_image_data(image.bytes()).expect("a picture");
    writer.finish().expect("an end");
}

fn encode_jpeg(image: &Image, path: &Path) {
    let size = [image.width(), image.height()];
    let [width, height] = size.map(|side| u16::try_from(side).expect("a short side"));
    let mut encoder = jpeg_encoder::Encoder::new(writer(path), QUALITY);
    encoder.set_chroma_subsampling_method(jpeg_encoder::ChromaSubsamplingMethod::Average);
    encoder.encode(image.bytes(), width, height, jpeg_encoder::ColorType::Rgb).expect("a picture");
}

fn encode_tiff(image: &Image, path: &Path) {
    let mut encoder = tiff::encoder::TiffEncoder::new(writer(path)).expect("a head");
    encoder.write_image::<RGB8>(image.width(), image.height(), image.bytes()).expect("a picture");
}

/// A crate by its name, called once.
type Other<'a> = (&'static str, Box<dyn Fn() + 'a>);

/// How long ours takes as a multiple of the fastest of the others, and which that is: each is
/// called in turn, and the middle of its times counts.
fn compare(ours: impl Fn(), others: &[Other<'_>]) -> (f64, &'static str) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); 1 + others.len()];
    for round in 0..16 {
        let mut taken = vec![cpu_of(&ours)];
        taken.extend(others.iter().map(|(_, other)| cpu_of(other)));
        // The first round makes what the others have at hand.
        let counted = times.iter_mut().zip(taken).filter(|_| round > 0);
        counted.for_each(|(all, time)| all.push(time));
    }
    let middles: Vec<Duration> = times.into_iter().map(|all| Samples::of(all).median()).collect();
    let fastest = middles[1..].iter().zip(others).min_by_key(|(time, _)| **time);
    fastest.map_or((0.0, ""), |(time, (name, _))| (ratio(middles[0], *time), *name))
}

/// All figures.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let pictures = Pictures::new().expect("a picture");
    let large = Pictures::of_size(LARGE).expect("a picture");
    let each =
        FORMATS.iter().flat_map(|format| [opened(&pictures, format), saved(&pictures, format)]);
    let jpeg = FORMATS.iter().filter(|format| format.name == "jpg");
    each.chain(jpeg.map(|format| opened(&large, format))).collect()
}

fn opened(pictures: &Pictures, format: &'static Format) -> Figure {
    let file = pictures.file(format);
    let others = format.decoders.iter().map(|direct| {
        let call = || drop((direct.call)(&file));
        (direct.name, Box::new(call) as Box<dyn Fn()>)
    });
    let others: Vec<_> = others.collect();
    figure("open", pictures, format, compare(|| drop(pictures.open(format)), &others))
}

fn saved(pictures: &Pictures, format: &'static Format) -> Figure {
    let others = format.encoders.iter().map(|direct| {
        let call = || pictures.save_with(direct, format);
        (direct.name, Box::new(call) as Box<dyn Fn()>)
    });
    let others: Vec<_> = others.collect();
    figure("save", pictures, format, compare(|| pictures.save(format), &others))
}

fn figure(what: &str, of: &Pictures, format: &Format, found: (f64, &'static str)) -> Figure {
    let megapixels = of.image.width() * of.image.height() / 1_000_000;
    let id = format!("files/{what}/{}/{megapixels}mp", format.name);
    Figure::new(id, found.0, "× the fastest crate, CPU").reach(1.1).peer(found.1)
}
