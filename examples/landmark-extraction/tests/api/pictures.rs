//! Every kind of PNG becomes the pixels that the format defines, and what is not whole is told, whatever is missing.

use landmark_extraction::picture::{Picture, PictureError, PictureLimits};
use manyhands_test_support::rng::Rng;

use crate::png_bytes::{Kind, SIGNATURE, chunk, file, rgb_file, zlib};

/// Colour type and depth of all kinds.
const KINDS: [(u8, u8); 15] = [
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 8),
    (0, 16),
    (2, 8),
    (2, 16),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 8),
    (4, 8),
    (4, 16),
    (6, 8),
    (6, 16),
];

fn is_torn(bytes: &[u8]) -> bool {
    matches!(Picture::decode(bytes), Err(PictureError::Torn { .. }))
}

/// What the format says of a pixel.
fn expected(kind: Kind, palette: &[u8], sample: &dyn Fn(usize) -> u16) -> [u8; 3] {
    let largest = (1_u32 << kind.depth) - 1;
    let eight_bits = |sample: u16| match kind.depth {
        16 => (sample >> 8) as u8,
        _ => (u32::from(sample) * 255 / largest) as u8,
    };
    match kind.colour {
        0 | 4 => [eight_bits(sample(0)); 3],
        3 => [0, 1, 2].map(|channel| palette[usize::from(sample(0)) * 3 + channel]),
        _ => [0, 1, 2].map(|channel| eight_bits(sample(channel))),
    }
}

#[test]
fn every_kind_of_png_becomes_eight_bit_rgb() {
    let mut rng = Rng::for_test("png kinds");
    for (colour, depth) in KINDS {
        for is_interlaced in [false, true] {
            for size in [(1, 1), (13, 9), (2, 17)] {
                let kind = Kind { width: size.0, height: size.1, depth, colour, is_interlaced };
                let samples: Vec<u16> = (0..size.0 * size.1 * kind.channels())
                    .map(|_| (rng.next_u64() & ((1 << depth) - 1)) as u16)
                    .collect();
                let sample = |x, y, channel| samples[(y * size.0 + x) * kind.channels() + channel];
                let palette: Vec<u8> = (0..768).map(|_| rng.next_u64() as u8).collect();
                let palette_chunk = chunk(*b"PLTE", &palette[..3 << if colour == 3 { depth } else { 0 }]);
                let transparency = match colour {
                    0 => chunk(*b"tRNS", &samples[0].to_be_bytes()),
                    3 => chunk(*b"tRNS", &[0, 127]),
                    _ => vec![],
                };
                let stream = zlib(&kind.rows(sample));
                let (first, second) = stream.split_at(stream.len() / 2);
                let pixels = [first, &[], second].map(|part| chunk(*b"IDAT", part)).concat();
                let before = if colour == 3 { palette_chunk } else { vec![] };
                let picture = Picture::decode(&file(kind, &[before, transparency, pixels])).unwrap();
                assert_eq!((picture.width(), picture.height()), size, "{kind:?}");
                for (index, pixel) in picture.rgb().chunks_exact(3).enumerate() {
                    let (x, y) = (index % size.0, index / size.0);
                    assert_eq!(
                        pixel,
                        expected(kind, &palette, &|channel| sample(x, y, channel)),
                        "{kind:?} ({x}, {y})"
                    );
                }
            }
        }
    }
}

#[test]
fn filtered_rows_are_read_as_another_program_wrote_them() {
    // More than two of the blocks that the pixels are handed on in.
    let rgb: Vec<u8> = (0..310 * 170 * 3).map(|at: u32| (at.wrapping_mul(at) / 7 + at) as u8).collect();
    for filter in [png::Filter::Sub, png::Filter::Up, png::Filter::Avg, png::Filter::Paeth, png::Filter::Adaptive] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 310, 170);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_filter(filter);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&rgb).unwrap();
        writer.finish().unwrap();
        assert_eq!(Picture::decode(&bytes).unwrap().rgb(), rgb, "{filter:?}");
    }
}

/// Small, with an ancillary chunk.
fn whole() -> Vec<u8> {
    let kind = Kind::rgb(5, 4);
    let rows = kind.rows(|x, y, channel| (x * 40 + y * 9 + channel) as u16);
    file(kind, &[chunk(*b"gAMA", &45_455_u32.to_be_bytes()), chunk(*b"IDAT", &zlib(&rows))])
}

#[test]
fn a_png_cut_anywhere_is_torn_and_so_is_one_with_any_bit_turned() {
    let whole = whole();
    assert!(Picture::decode(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(is_torn(&whole[..length]), "the first {length} bytes are taken for a picture");
    }
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(is_torn(&damaged), "bit {bit} turned: {:?}", Picture::decode(&damaged));
    }
}

#[test]
fn a_stream_of_pixels_that_does_not_end_as_it_should_is_torn_though_every_row_is_there() {
    let kind = Kind::rgb(40, 30);
    let rows = kind.rows(|x, y, channel| (x * y * 7 + channel * 50) as u16 & 255);
    let stream = zlib(&rows);
    let with_stream = |stream: &[u8]| file(kind, &[chunk(*b"IDAT", stream)]);
    let picture = Picture::decode(&with_stream(&stream)).unwrap();
    for length in (0..stream.len()).rev().take(40).chain([0, 1, 2, 3]) {
        assert!(is_torn(&with_stream(&stream[..length])), "{length} of {} bytes", stream.len());
    }
    for from_end in 1..=4 {
        let mut damaged = stream.clone();
        let at = damaged.len() - from_end;
        damaged[at] ^= 0x10;
        assert!(is_torn(&with_stream(&damaged)), "Adler-32, byte {from_end} from its end");
    }
    // A little more than the rows does no harm, as long as it is whole; neither does what follows the stream or IEND.
    let more = [&rows[..], &[0; 100]].concat();
    assert_eq!(Picture::decode(&with_stream(&zlib(&more))).unwrap(), picture);
    assert_eq!(Picture::decode(&with_stream(&[&stream[..], b"behind"].concat())).unwrap(), picture);
    assert_eq!(Picture::decode(&[&with_stream(&stream)[..], b"behind"].concat()).unwrap(), picture);
    let fewer = &rows[..rows.len() - 1];
    assert!(is_torn(&with_stream(&zlib(fewer))));
    assert!(is_torn(&with_stream(&zlib(&vec![0; 30_000_000]))), "a stream that unpacks to 30 MB");
}

#[test]
fn ancillary_chunks_are_ignored_whatever_they_say_but_their_sums_are_not() {
    let kind = Kind::rgb(3, 2);
    let pixels = chunk(*b"IDAT", &zlib(&kind.rows(|x, y, channel| (x + y + channel) as u16)));
    let plain = Picture::decode(&file(kind, std::slice::from_ref(&pixels))).unwrap();
    for name in [b"gAMA", b"iCCP", b"acTL", b"fcTL", b"eXIf", b"sBIT", b"tRNS", b"zTXt", b"abCd"] {
        let nonsense = chunk(*name, b"\0\x01nonsense");
        assert_eq!(Picture::decode(&file(kind, &[nonsense.clone(), pixels.clone()])).unwrap(), plain);
        let mut damaged = nonsense;
        *damaged.last_mut().unwrap() ^= 1;
        assert!(is_torn(&file(kind, &[damaged, pixels.clone()])));
    }
}

#[test]
fn a_header_that_claims_too_much_or_nothing_is_refused_by_name_before_the_pixels() {
    let claim = |kind| Picture::decode(&file(kind, &[])).unwrap_err();
    let error = claim(Kind::rgb(10_000, 10_000));
    assert!(matches!(error, PictureError::TooLarge { width: 10_000, height: 10_000, limit: 50_000_000 }));
    assert_eq!(error.to_string(), "has 10000 x 10000 pixels where at most 50000000 are read; make it smaller");
    let largest = 0x7fff_ffff;
    assert!(matches!(claim(Kind::rgb(largest, largest)), PictureError::TooLarge { .. }));
    assert!(matches!(claim(Kind::rgb(50_000, 1_000)), PictureError::Torn { .. }), "at the limit, but without pixels");
    assert!(matches!(claim(Kind::rgb(0, 5)), PictureError::Torn { .. }));
    for (colour, depth) in [(1, 8), (2, 4), (3, 16), (7, 8), (0, 3)] {
        assert!(is_torn(&[SIGNATURE, &Kind { colour, depth, ..Kind::rgb(1, 1) }.header()].concat()));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.png");
    // 24 bytes that claim a size, and a hole of a terabyte behind them.
    let start = [SIGNATURE, &Kind::rgb(10_000, 10_001).header()].concat();
    std::fs::write(&path, &start[..24]).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(Picture::read(&path), Err(PictureError::TooLarge { height: 10_001, .. })));
    let ten_pixels = rgb_file(5, 2, |_, _, _| 9);
    assert!(Picture::decode_within(&ten_pixels, PictureLimits { pixels: 10 }).is_ok());
    let refused = Picture::decode_within(&ten_pixels, PictureLimits { pixels: 9 });
    assert!(matches!(refused, Err(PictureError::TooLarge { width: 5, height: 2, limit: 9 })));
}

#[test]
fn other_formats_and_paths_without_a_file_are_named() {
    let error = Picture::decode(b"GIF89a....").unwrap_err();
    assert_eq!(error.to_string(), "is a GIF file, which is not read; store it as 8-bit PNG");
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("absent.png")] {
        assert!(matches!(Picture::read(&path), Err(PictureError::Io(_))), "{}", path.display());
    }
    let path = folder.path().join("empty.png");
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(Picture::read(&path), Err(PictureError::Torn { .. })));
}

#[test]
fn sums_that_fit_around_nonsense_give_a_picture_of_the_claimed_size_or_an_error() {
    let mut rng = Rng::for_test("png nonsense");
    let mut n_read = 0;
    for _ in 0..2000 {
        let (colour, depth) = KINDS[rng.index(KINDS.len())];
        let (width, height) = (1 + rng.index(12), 1 + rng.index(12));
        let kind = Kind { width, height, depth, colour, is_interlaced: rng.one_in(2) };
        // Filters of any number now and then, indices beyond the palette, palettes of any length or none.
        let mut rows = kind.rows(|_, _, _| 0);
        let n_known_filters = if rng.one_in(2) { 1 } else { 256 };
        rows.iter_mut()
            .for_each(|byte| *byte = if rng.one_in(3) { (rng.next_u64() % n_known_filters) as u8 } else { 0 });
        let palette = vec![7; rng.index(800)];
        let palette = if rng.one_in(3) { vec![] } else { chunk(*b"PLTE", &palette) };
        let pixels = chunk(*b"IDAT", &zlib(&rows));
        let mut parts = [palette, pixels, kind.header()];
        if rng.one_in(4) {
            parts.swap(0, 1);
        }
        let n_parts = 2 + usize::from(rng.one_in(5));
        if let Ok(picture) = Picture::decode(&file(kind, &parts[..n_parts])) {
            assert_eq!((picture.width(), picture.height()), (width, height), "{kind:?}");
            n_read += 1;
        }
    }
    assert!(n_read > 200, "only {n_read} of 2000 were read");
}

#[test]
fn jpegs_are_read_in_every_usual_variety() {
    // Made by Pillow: x * 13, y * 19 and x * y * 3, modulo 256, in 19 x 13 pixels. The numbers are those of its decoder.
    let files: [(&str, &[u8], [f64; 3]); 4] = [
        ("colour", include_bytes!("../data/colour.jpg"), [116.9, 114.2, 91.2]),
        ("progressive", include_bytes!("../data/progressive.jpg"), [116.8, 114.1, 91.9]),
        ("grey", include_bytes!("../data/grey.jpg"), [112.3, 112.3, 112.3]),
        ("CMYK", include_bytes!("../data/cmyk.jpg"), [117.0, 113.8, 91.6]),
    ];
    for (name, bytes, means) in files {
        let picture = Picture::decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((picture.width(), picture.height()), (19, 13), "{name}");
        let n_pixels = 19.0 * 13.0;
        for (channel, mean) in means.into_iter().enumerate() {
            let found =
                picture.rgb().iter().skip(channel).step_by(3).map(|byte| f64::from(*byte)).sum::<f64>() / n_pixels;
            assert!((found - mean).abs() < 2.0, "{name}, channel {channel}: {found} instead of {mean}");
        }
    }
}

#[test]
fn a_jpeg_cut_anywhere_is_torn_and_a_damaged_one_never_panics() {
    let mut rng = Rng::for_test("jpeg damage");
    for whole in [&include_bytes!("../data/colour.jpg")[..], include_bytes!("../data/progressive.jpg")] {
        for length in 3..whole.len() {
            assert!(is_torn(&whole[..length]), "the first {length} bytes are taken for a picture");
        }
        for _ in 0..400 {
            let mut damaged = whole.to_vec();
            let at = rng.index(damaged.len());
            damaged[at] = rng.next_u64() as u8;
            let _ = Picture::decode(&damaged);
        }
        let large = Picture::decode_within(whole, PictureLimits { pixels: 246 });
        assert!(matches!(large, Err(PictureError::TooLarge { width: 19, height: 13, limit: 246 })), "{large:?}");
    }
}
