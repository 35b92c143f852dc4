//! Boxes with sides along the axes, and how much two of them overlap.

/// A box with sides along the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Its left side.
    pub x_min: f32,
    /// Its upper side.
    pub y_min: f32,
    /// How far it reaches to the right.
    pub width: f32,
    /// How far it reaches down.
    pub height: f32,
}

impl BoundingBox {
    /// Its right side.
    #[must_use]
    pub fn x_max(&self) -> f32 {
        self.x_min + self.width
    }

    /// Its lower side.
    #[must_use]
    pub fn y_max(&self) -> f32 {
        self.y_min + self.height
    }

    /// Intersection over union, from 0 to 1. It is 0 where the boxes only touch, and where neither has an area.
    ///
    /// Sides that are infinite or NaN give 0 or NaN, which is above no limit.
    ///
    /// ```
    /// use landmark_extraction::BoundingBox;
    ///
    /// let left = BoundingBox { x_min: 0.0, y_min: 0.0, width: 2.0, height: 1.0 };
    /// let right = BoundingBox { x_min: 1.0, ..left };
    /// assert_eq!(left.overlap(&right), 1.0 / 3.0);
    /// assert_eq!(left.overlap(&BoundingBox { x_min: 2.0, ..left }), 0.0);
    /// ```
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f32 {
        let width = self.x_max().min(other.x_max()) - self.x_min.max(other.x_min);
        let height = self.y_max().min(other.y_max()) - self.y_min.max(other.y_min);
        if width <= 0.0 || height <= 0.0 {
            return 0.0;
        }
        let intersection = width * height;
        let union = self.width * self.height + other.width * other.height - intersection;
        if union <= 0.0 { 0.0 } else { intersection / union }
    }
}
