//! Graphs, and what a person or a batch asks of them.
//!
//! Made up, with what is known of such work: a slider is dragged for some requests, the same one
//! for a while; edits are undone and redone, a step is switched off and on for comparison, an image
//! is left for another and come back to, a result in the middle is looked at, and a scan of many
//! images runs in between. Seconds and bytes are those of such steps on 24 megapixels.

use pipeline_core::Key;

use super::dice::Dice;

/// One step of a graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// The steps that it reads from, all before it.
    pub inputs: Vec<usize>,
    /// Seconds that it takes.
    pub seconds: f64,
    /// Bytes of its result.
    pub bytes: u64,
}

/// Steps, inputs first.
#[derive(Debug, Clone)]
pub struct Graph(pub Vec<Node>);

/// One run of a graph: a number for the parameters of each step, and whose results are asked for.
#[derive(Debug, Clone)]
pub struct Request {
    parameters: Vec<u64>,
    /// The targets.
    pub targets: Vec<usize>,
}

const MB: u64 = 1_000_000;

impl Graph {
    /// Bytes of all results.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|node| node.bytes).sum()
    }

    /// The keys of all results.
    #[must_use]
    pub fn keys(&self, request: &Request) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::with_capacity(self.0.len());
        for (at, node) in self.0.iter().enumerate() {
            let step = Key::of_result(&number(at as u64), [number(request.parameters[at])]);
            keys.push(Key::of_result(&step, node.inputs.iter().map(|&input| keys[input])));
        }
        keys
    }

    fn of(steps: &[(&[usize], f64, u64)]) -> Self {
        let node = |&(inputs, seconds, megabytes): &(&[usize], f64, u64)| Node {
            inputs: inputs.to_vec(),
            seconds,
            bytes: megabytes * MB,
        };
        Self(steps.iter().map(node).collect())
    }

    /// A raw photo of 24 megapixels in floats, with a mask on the side and two outputs.
    fn photo() -> Self {
        Self::of(&[
            (&[], 0.6, 48),
            (&[0], 1.1, 288),
            (&[1], 2.4, 288),
            (&[2], 0.5, 288),
            (&[3], 0.3, 288),
            (&[4], 1.6, 288),
            (&[4], 0.9, 96),
            (&[5, 6], 0.7, 288),
            (&[7], 0.25, 288),
            (&[8], 2.2, 288),
            (&[9], 0.4, 288),
            (&[10], 0.3, 72),
            (&[11], 0.15, 2),
            (&[10], 0.2, 8),
        ])
    }

    /// A field of view over time: background, segmentation, tracks, traces.
    fn microscopy() -> Self {
        Self::of(&[
            (&[], 0.8, 400),
            (&[0], 1.2, 400),
            (&[1], 3.0, 400),
            (&[2], 0.9, 400),
            (&[3], 0.4, 100),
            (&[4], 0.6, 100),
            (&[5], 2.5, 200),
            (&[6, 2], 1.0, 4),
            (&[6], 2.0, 200),
            (&[8], 0.8, 4),
            (&[9, 1], 1.5, 4),
            (&[10], 0.05, 1),
        ])
    }

    /// Thirteen steps of any cost and size.
    fn random(dice: &mut Dice) -> Self {
        let mut nodes = vec![Node { inputs: Vec::new(), seconds: 0.5, bytes: 100 * MB }];
        for at in 1..13 {
            let mut inputs = vec![at - 1 - dice.below(at.min(3))];
            if dice.chance(0.3) {
                inputs.push(dice.below(at));
            }
            inputs.dedup();
            let seconds = 10f64.powf(dice.unit().mul_add(2.0, -1.3));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            let bytes = (10f64.powf(dice.unit().mul_add(1.7, 6.8))) as u64;
            nodes.push(Node { inputs, seconds, bytes });
        }
        Self(nodes)
    }
}

/// A key that stands for a number.
fn number(number: u64) -> Key {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Key::from_bytes(bytes)
}

/// A kind of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One photo is worked on.
    Retouch,
    /// Eight photos are worked on in turn.
    Gallery,
    /// Two photos are worked on, and scans of eight more run in between.
    BatchScan,
    /// Parameters are sought on six fields of view.
    Microscopy,
    /// Two images go through any graph.
    Random,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Retouch, Self::Gallery, Self::BatchScan, Self::Microscopy, Self::Random];

    /// The name of its bench.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retouch => "retouch",
            Self::Gallery => "gallery",
            Self::BatchScan => "batch_scan",
            Self::Microscopy => "microscopy",
            Self::Random => "random",
        }
    }

    /// A graph and what is asked of it, the same for the same seed.
    #[must_use]
    pub fn session(self, seed: u64) -> (Graph, Vec<Request>) {
        let mut dice = Dice::new(seed);
        let graph = match self {
            Self::Microscopy => Graph::microscopy(),
            Self::Random => Graph::random(&mut dice),
            Self::Retouch | Self::Gallery | Self::BatchScan => Graph::photo(),
        };
        let (images, requests) = match self {
            Self::Retouch => (1, 500),
            Self::Gallery => (8, 400),
            Self::BatchScan | Self::Random => (2, 400),
            Self::Microscopy => (6, 300),
        };
        let mut person = Person::new(&graph, images, dice);
        while person.requests.len() < requests {
            person.act(self == Self::BatchScan);
        }
        person.requests.truncate(requests);
        (graph, person.requests)
    }
}

/// Someone in front of a graph.
struct Person {
    dice: Dice,
    /// The results at the end of the graph.
    ends: Vec<usize>,
    /// The parameters of each image.
    images: Vec<Vec<u64>>,
    image: usize,
    /// The step that is being worked on.
    focus: usize,
    /// Parameters that an undo goes back to.
    before: Vec<Vec<u64>>,
    /// A number for parameters that were never used before.
    fresh: u64,
    requests: Vec<Request>,
}

impl Person {
    fn new(graph: &Graph, images: u64, dice: Dice) -> Self {
        let steps = graph.0.len();
        let is_read = |at: &usize| graph.0.iter().any(|node| node.inputs.contains(at));
        let image = |number| {
            let mut parameters = vec![0; steps];
            parameters[0] = 1000 + number;
            parameters
        };
        Self {
            dice,
            ends: (0..steps).filter(|at| !is_read(at)).collect(),
            images: (0..images).map(image).collect(),
            image: 0,
            focus: steps / 2,
            before: Vec::new(),
            fresh: 1_000_000,
            requests: Vec::new(),
        }
    }

    fn act(&mut self, scans: bool) {
        match self.dice.below(100) {
            0..45 => self.drag(),
            45..60 => self.undo(),
            60..72 => self.compare(),
            72..82 => self.look(),
            82..95 if self.images.len() > 1 => self.change_image(),
            95.. if scans => self.scan(),
            _ => {}
        }
    }

    fn now(&mut self) -> &mut Vec<u64> {
        &mut self.images[self.image]
    }

    /// Asks for the results at the end.
    fn ask(&mut self) {
        let parameters = self.now().clone();
        self.requests.push(Request { parameters, targets: self.ends.clone() });
    }

    /// Drags a slider, often that of before.
    fn drag(&mut self) {
        if self.dice.chance(0.35) {
            self.focus = self.any_step();
        }
        let was = self.now().clone();
        self.before.push(was);
        for _ in 0..2 + self.dice.below(12) {
            self.fresh += 1;
            let (focus, fresh) = (self.focus, self.fresh);
            self.now()[focus] = fresh;
            self.ask();
        }
    }

    /// Goes back some edits, now and then forth again.
    fn undo(&mut self) {
        for _ in 0..1 + self.dice.below(3) {
            let Some(before) = self.before.pop() else { return };
            let after = std::mem::replace(self.now(), before);
            self.ask();
            if self.dice.chance(0.3) {
                *self.now() = after;
                self.ask();
            }
        }
    }

    /// Switches a step off and on.
    fn compare(&mut self) {
        let step = self.any_step();
        let on = self.now()[step];
        let off = 7_000 + step as u64;
        for turn in 0..2 + self.dice.below(4) {
            self.now()[step] = if turn % 2 == 0 { off } else { on };
            self.ask();
        }
        self.now()[step] = on;
        self.ask();
    }

    /// Looks at a result in the middle.
    fn look(&mut self) {
        let parameters = self.now().clone();
        let target = self.dice.below(parameters.len());
        self.requests.push(Request { parameters, targets: vec![target] });
        self.ask();
    }

    /// Goes on to the next image, or to any.
    fn change_image(&mut self) {
        let images = self.images.len();
        self.image = match self.dice.chance(0.6) {
            true => (self.image + 1) % images,
            false => self.dice.below(images),
        };
        self.before.clear();
        self.ask();
    }

    /// Applies the parameters to eight images that nobody comes back to.
    fn scan(&mut self) {
        let was = self.now()[0];
        for _ in 0..8 {
            self.fresh += 1;
            self.now()[0] = self.fresh;
            self.ask();
        }
        self.now()[0] = was;
        self.ask();
    }

    /// Any step but the first, which reads the image.
    fn any_step(&mut self) -> usize {
        let steps = self.now().len();
        1 + self.dice.below(steps - 1)
    }
}
