//! The codings themselves, from bytes to bytes, in steps between which somebody may say stop.

use std::io::{self, Read, Write};

use super::Coding;
use crate::wire::problem::Failure;

/// Bytes of one step.
const STEP: usize = 32 << 10;
/// The base-2 logarithm of the largest window of zstd that is read: 8 MiB, as RFC 9659 has it for HTTP.
const ZSTD_WINDOW: u32 = 23;
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
    /// Whoever was asked for room has none.
    Refused(Option<Failure>),
    /// It is not what it says.
    Broken(io::Error),
}

/// The bytes without their coding, `most` of them. For each step that makes them more, `room` is asked first.
pub(super) fn expand(
    coding: Coding,
    bytes: &[u8],
    most: usize,
    room: &mut dyn FnMut(usize) -> Result<(), Option<Failure>>,
) -> Result<Vec<u8>, Fault> {
    let mut reader: Box<dyn Read + '_> = match coding {
        Coding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
        Coding::Brotli => Box::new(brotli::Decompressor::new(bytes, STEP)),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(Fault::Broken)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(Fault::Broken)?;
            Box::new(decoder)
        }
    };
    let mut whole = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        let size = match reader.read(&mut step) {
            Ok(0) => return Ok(whole),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::Broken(error)),
        };
        let length = whole.len() + size;
        if length > most {
            return Err(Fault::TooLarge(length));
        }
        if length > whole.capacity() {
            // It doubles, and the old one is there until the new one is filled.
            let larger = length.next_power_of_two();
            room(larger).map_err(Fault::Refused)?;
            whole.reserve_exact(larger - whole.len());
        }
        whole.extend_from_slice(&step[..size]);
    }
}

/// The bytes in a coding; `None` where `stop` said so between two steps.
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
    let out = Vec::with_capacity(bytes.len() / 2);
    match coding {
        Coding::Gzip => all(flate2::write::GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL)), bytes, stop)?.finish().ok(),
        Coding::Zstd => all(zstd::stream::write::Encoder::new(out, ZSTD_LEVEL).ok()?, bytes, stop)?.finish().ok(),
        Coding::Brotli => Some(all(brotli::CompressorWriter::new(out, STEP, BROTLI_LEVEL, BROTLI_WINDOW), bytes, stop)?.into_inner()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Coding; 3] = [Coding::Gzip, Coding::Zstd, Coding::Brotli];

    #[test]
    fn there_and_back() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_string().into_bytes()).collect();
        for coding in ALL {
            for bytes in [&bytes[..], &bytes[..10], b""] {
                let small = compress(coding, bytes, &|| false).unwrap();
                assert!(bytes.len() < 100 || small.len() < bytes.len() * 2 / 3, "{coding:?}: {}", small.len());
                let mut asked = 0;
                let back = expand(coding, &small, bytes.len(), &mut |room| {
                    asked += room;
                    Ok(())
                });
                assert_eq!(back.unwrap(), bytes, "{coding:?}");
                assert!(asked >= bytes.len());
            }
            assert!(compress(coding, &bytes, &|| true).is_none());
        }
    }

    #[test]
    fn what_is_no_good_ends() {
        let zeros = vec![0; 50 << 20];
        for coding in ALL {
            let small = compress(coding, &zeros, &|| false).unwrap();
            let fault = |bytes: &[u8]| expand(coding, bytes, 1 << 20, &mut |_| Ok(())).unwrap_err();
            assert!(matches!(fault(&small), Fault::TooLarge(size) if size <= (1 << 20) + STEP), "{coding:?}: a bomb");
            assert!(matches!(expand(coding, &small, 1 << 30, &mut |_| Err(None)), Err(Fault::Refused(None))), "{coding:?}");
            let honest = compress(coding, b"some words of text, some words of text", &|| false).unwrap();
            assert!(matches!(fault(&honest[..honest.len() - 3]), Fault::Broken(_)), "{coding:?}: cut off");
            assert!(matches!(fault(b"{\"formula\": \"x\"}"), Fault::Broken(_)), "{coding:?}: not coded");
        }
        // A frame that asks for a window of 2 GiB before anything comes.
        let window = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00];
        assert!(matches!(expand(Coding::Zstd, &window, 1 << 20, &mut |_| Ok(())), Err(Fault::Broken(_))));
    }
}
