//! A QR code as the path of an SVG that stands in the page: no request, no script, no style.

use qrcode::{Color, EcLevel, QrCode};

/// A picture: its side in modules, the quiet zone included, and the path of its dark ones.
pub(crate) struct Picture {
    pub(crate) side: usize,
    pub(crate) path: String,
}

/// None when the text is longer than a QR code can be.
pub(super) fn of(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Some(Picture {
        side: width + 2 * QUIET,
        path,
    })
}

/// Modules of white around it that readers need (ISO/IEC 18004).
const QUIET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_three_corners_and_a_bound() {
        let picture = of("otpauth://totp/Acme:a@b?secret=GEZDGNBVGY3TQOJQ").unwrap();
        let last = picture.side - QUIET - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(picture.path.contains(&format!("M{x} {y}h1")), "{x} {y}");
        }
        assert!(of(&"x".repeat(5000)).is_none());
    }
}
