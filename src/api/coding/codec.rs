//! The codings themselves, from bytes to bytes, in steps between which somebody may say stop.

use std::io::{self, BufRead, Read, Write};

use super::Coding;
use crate::service::Portion;
use crate::wire::problem::Failure;

/// Bytes of one step.
const STEP: usize = 32 << 10;
/// The base-2 logarithm of the largest window of zstd that is read: 8 MiB, as RFC 9659 has it for HTTP.
const ZSTD_WINDOW: u32 = 23;
/// Of a body in br the first byte but its highest bit, where it asks for a window of more than the 16 MiB of RFC 7932 (up to 1 GiB).
const BROTLI_LARGE_WINDOW: u8 = 0x11;
/// How hard is compressed: answers are made once and read once, so time counts more than the last percent.
const ZSTD_LEVEL: i32 = 1;
const GZIP_LEVEL: u32 = 2;
const BROTLI_LEVEL: u32 = 3;
const BROTLI_WINDOW: u32 = 20;

/// Why a body is not expanded.
#[derive(Debug)]
pub(super) enum Fault {
    /// It has so many bytes or more.
    TooLarge(usize),
    /// There is no room for it.
    Refused(Failure),
    /// Somebody said stop.
    Stopped,
    /// It is not what it says.
    Broken(io::Error),
}

/// Bytes that are handed out in steps. Before each somebody may say stop: a decoder may take in all of them without giving out any.
struct Steps<'a> {
    rest: &'a [u8],
    /// What is left of this step.
    left: usize,
    stop: &'a dyn Fn() -> bool,
}

impl BufRead for Steps<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            if (self.stop)() {
                return Err(io::Error::other("stopped"));
            }
            self.left = STEP;
        }
        Ok(&self.rest[..self.left.min(self.rest.len())])
    }

    fn consume(&mut self, size: usize) {
        self.rest = &self.rest[size..];
        self.left -= size;
    }
}

impl Read for Steps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.fill_buf()?.read(buffer)?;
        self.consume(size);
        Ok(size)
    }
}

/// The bytes without their coding, `most` of them. Before there are more `held` grows; in the end it has what they take.
pub(super) fn expand(coding: Coding, bytes: &[u8], most: usize, held: &Portion, stop: &dyn Fn() -> bool) -> Result<Vec<u8>, Fault> {
    let steps = Steps { rest: bytes, left: 0, stop };
    let mut reader: Box<dyn Read + '_> = match coding {
        Coding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(steps)),
        Coding::Brotli if bytes.first().is_some_and(|first| first & 0x7f == BROTLI_LARGE_WINDOW) => {
            return Err(Fault::Broken(io::Error::new(io::ErrorKind::InvalidData, "its window is too large")));
        }
        Coding::Brotli => Box::new(brotli::Decompressor::new(steps, STEP)),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(steps).map_err(Fault::Broken)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(Fault::Broken)?;
            Box::new(decoder)
        }
    };
    let mut whole = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        if stop() {
            return Err(Fault::Stopped);
        }
        let size = match reader.read(&mut step) {
            Ok(0) => return Ok(whole),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) if stop() => return Err(Fault::Stopped),
            Err(error) => return Err(Fault::Broken(error)),
        };
        let length = whole.len() + size;
        if length > most {
            return Err(Fault::TooLarge(length));
        }
        if length > whole.capacity() {
            // It doubles, and the old one is there until the new one is filled.
            let larger = length.next_power_of_two();
            held.grow(larger as u64).map_err(Fault::Refused)?;
            whole.reserve_exact(larger - whole.len());
            held.shrink(whole.capacity() as u64);
        }
        whole.extend_from_slice(&step[..size]);
    }
}

/// What is written, as long as it is shorter than what it is written from.
struct Shorter {
    out: Vec<u8>,
    most: usize,
}

impl Write for Shorter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.len() + bytes.len() >= self.most {
            self.most = 0;
            return Err(io::Error::other("no shorter"));
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes in a coding, where that is shorter; it never takes more memory than they do. None where `stop` said so between two steps.
pub(super) fn compress(coding: Coding, bytes: &[u8], stop: &dyn Fn() -> bool) -> Option<Vec<u8>> {
    fn all<W: Write>(mut writer: W, bytes: &[u8], stop: &dyn Fn() -> bool) -> Option<W> {
        for step in bytes.chunks(8 * STEP) {
            if stop() {
                return None;
            }
            writer.write_all(step).ok()?;
        }
        Some(writer)
    }
    let out = Shorter { out: Vec::with_capacity(bytes.len()), most: bytes.len() };
    let Shorter { mut out, most } = match coding {
        Coding::Gzip => all(flate2::write::GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL)), bytes, stop)?.finish().ok()?,
        Coding::Zstd => all(zstd::stream::write::Encoder::new(out, ZSTD_LEVEL).ok()?, bytes, stop)?.finish().ok()?,
        Coding::Brotli => all(brotli::CompressorWriter::new(out, STEP, BROTLI_LEVEL, BROTLI_WINDOW), bytes, stop)?.into_inner(),
    };
    // one of them keeps to itself that its last bytes did not fit
    let whole = most > 0;
    out.shrink_to_fit();
    whole.then_some(out)
}

/// A coding of what is not there yet.
pub(super) enum Coder {
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
}

impl Coder {
    /// Nothing yet, in that coding.
    ///
    /// # Errors
    /// Where the system has no memory for it.
    pub(super) fn new(coding: Coding) -> io::Result<Coder> {
        Ok(match coding {
            Coding::Gzip => Coder::Gzip(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))),
            Coding::Zstd => Coder::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
            Coding::Brotli => Coder::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), STEP, BROTLI_LEVEL, BROTLI_WINDOW))),
        })
    }

    /// Takes a piece: itself, and what there is of the coding so far and has not been given out.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn next(mut self, piece: &[u8]) -> io::Result<(Coder, Vec<u8>)> {
        let out = match &mut self {
            Coder::Gzip(writer) => writer.write_all(piece).map(|()| std::mem::take(writer.get_mut())),
            Coder::Zstd(writer) => writer.write_all(piece).map(|()| std::mem::take(writer.get_mut())),
            Coder::Brotli(writer) => writer.write_all(piece).map(|()| std::mem::take(writer.get_mut())),
        }?;
        Ok((self, out))
    }

    /// The rest.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn end(self) -> io::Result<Vec<u8>> {
        match self {
            Coder::Gzip(writer) => writer.finish(),
            Coder::Zstd(writer) => writer.finish(),
            Coder::Brotli(writer) => Ok(writer.into_inner()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Caller, Memory};
    use crate::wire::problem::Slug;

    const ALL: [Coding; 3] = [Coding::Gzip, Coding::Zstd, Coding::Brotli];

    fn room(bytes: u64) -> Portion {
        Memory::new(bytes).portion(&Caller::ANYONE)
    }

    #[test]
    fn there_and_back() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_string().into_bytes()).collect();
        for coding in ALL {
            for bytes in [&bytes[..], &bytes[..1000]] {
                let small = compress(coding, bytes, &|| false).unwrap();
                assert!(small.len() < bytes.len() * 2 / 3 && small.capacity() < bytes.len(), "{coding:?}: {}", small.len());
                let memory = Memory::new(1 << 30);
                let held = memory.portion(&Caller::ANYONE);
                let back = expand(coding, &small, bytes.len(), &held, &|| false).unwrap();
                assert_eq!(back, bytes, "{coding:?}");
                assert_eq!(memory.used(), back.capacity() as u64, "{coding:?}: what it takes, and no more");
                assert!(matches!(expand(coding, &small, 1 << 30, &held, &|| true), Err(Fault::Stopped)), "{coding:?}");
            }
            assert!(compress(coding, &bytes, &|| true).is_none());
            // What gets no shorter stays as it is.
            let noise: Vec<u8> =
                (0..100_000_u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 ^ ((i * i) >> 7) as u8).collect();
            for bytes in [&bytes[..10], b"", &noise] {
                let small = compress(coding, bytes, &|| false);
                assert!(small.is_none_or(|small| small.len() < bytes.len()), "{coding:?}: {}", bytes.len());
            }
        }
    }

    #[test]
    fn pieces_are_coded_as_one() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_string().into_bytes()).collect();
        for coding in ALL {
            for (size, least) in [(1 << 17, 2), (1000, 2), (usize::MAX, 1)] {
                let mut coder = Coder::new(coding).unwrap();
                let (mut coded, mut given) = (Vec::new(), 0);
                for piece in bytes.chunks(size) {
                    let (next, out) = coder.next(piece).unwrap();
                    given += usize::from(!out.is_empty());
                    coded.extend(out);
                    coder = next;
                }
                let rest = coder.end().unwrap();
                given += usize::from(!rest.is_empty());
                coded.extend(rest);
                assert!(given >= least, "{coding:?}: nothing before the end");
                assert!(coded.len() < bytes.len() * 2 / 3);
                assert_eq!(expand(coding, &coded, bytes.len(), &room(1 << 30), &|| false).unwrap(), bytes, "{coding:?} {size}");
            }
        }
    }

    #[test]
    fn what_is_no_good_ends() {
        let zeros = vec![0; 50 << 20];
        for coding in ALL {
            let small = compress(coding, &zeros, &|| false).unwrap();
            let fault = |bytes: &[u8]| expand(coding, bytes, 1 << 20, &room(1 << 30), &|| false).unwrap_err();
            assert!(matches!(fault(&small), Fault::TooLarge(size) if size <= (1 << 20) + STEP), "{coding:?}: a bomb");
            let refused = expand(coding, &small, 1 << 30, &room(1 << 20), &|| false).unwrap_err();
            assert!(matches!(refused, Fault::Refused(failure) if failure.slug == Slug::LimitExceeded), "{coding:?}");
            let honest =
                compress(coding, b"some words of text, some words of text, some words of text, some words of text", &|| false).unwrap();
            assert!(matches!(fault(&honest[..honest.len() - 3]), Fault::Broken(_)), "{coding:?}: cut off");
            assert!(matches!(fault(b"{\"formula\": \"x\"}"), Fault::Broken(_)), "{coding:?}: not coded");
        }
        // A frame that asks for a window of 2 GiB before anything comes, and a body that asks for one of 1 GiB.
        let window = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00];
        assert!(matches!(expand(Coding::Zstd, &window, 1 << 20, &room(1 << 30), &|| false), Err(Fault::Broken(_))));
        assert!(matches!(expand(Coding::Brotli, &[0x11, 0x1e, 0x03], 1 << 20, &room(1 << 30), &|| false), Err(Fault::Broken(_))));
    }

    /// Members, frames and blocks that hold nothing: much comes in and nothing goes out.
    #[test]
    fn what_gives_out_nothing_can_be_stopped() {
        let member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1)).finish().unwrap();
        for (coding, once) in [(Coding::Gzip, member), (Coding::Zstd, zstd::encode_all(&b""[..], 1).unwrap())] {
            let bytes = once.repeat((1 << 20) / once.len());
            let asked = std::cell::Cell::new(0);
            let count = |most: usize| {
                asked.set(asked.get() + 1);
                asked.get() > most
            };
            assert!(expand(coding, &bytes, 1 << 20, &room(0), &|| count(usize::MAX)).unwrap().is_empty(), "{coding:?}");
            assert!(asked.get() >= bytes.len() / STEP, "{coding:?}: asked {} times", asked.get());
            asked.set(0);
            assert!(matches!(expand(coding, &bytes, 1 << 20, &room(0), &|| count(5)), Err(Fault::Stopped)), "{coding:?}");
            assert!(asked.get() <= 7, "{coding:?}");
        }
    }
}
