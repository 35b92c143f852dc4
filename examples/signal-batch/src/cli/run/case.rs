//! Reads the fields of a case, and writes numbers as cases do: null for what is missing, texts for infinities. A mistake is named by
//! its field and its place in it.

use serde_json::{Map, Number, Value};

/// The fields of one case.
#[derive(Debug)]
pub(super) struct Case(Map<String, Value>);

/// Where a number is expected.
const WAY_OUT: &str = "give a number, null, \"inf\" or \"-inf\"";

impl Case {
    /// The case in this text.
    ///
    /// # Errors
    /// A message when it is no object.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(Self).map_err(|error| error.to_string())
    }

    /// Its fields.
    pub(super) fn of(value: &Value, name: &str) -> Result<Self, String> {
        let fields = value.as_object().ok_or_else(|| format!("{name} is {}; give an object", shown(value)))?;
        Ok(Self(fields.clone()))
    }

    /// Names and values, by name.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a field that may be left out; one that is null is left out.
    pub(super) fn optional(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// A message with its name.
    pub(super) fn field(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("it has no {name}; add the field"))
    }

    /// A number, NaN where it is null.
    ///
    /// # Errors
    /// A message when the field is absent or no number.
    pub(super) fn number(&self, name: &str) -> Result<f64, String> {
        let value = self.field(name)?;
        read_number(value).ok_or_else(|| format!("{name} is {}; {WAY_OUT}", shown(value)))
    }

    /// A whole number of at least 0; also one that is written with a decimal point, as columns with gaps are exported.
    ///
    /// # Errors
    /// A message when the field is absent or something else.
    pub(super) fn whole(&self, name: &str) -> Result<u64, String> {
        let value = self.field(name)?;
        value
            .as_u64()
            .or_else(|| value.as_f64().and_then(whole_number))
            .ok_or_else(|| format!("{name} is {}; give a whole number of at least 0", shown(value)))
    }

    /// A text.
    ///
    /// # Errors
    /// A message when the field is absent or no text.
    pub(super) fn text(&self, name: &str) -> Result<&str, String> {
        let value = self.field(name)?;
        value.as_str().ok_or_else(|| format!("{name} is {}; give a text", shown(value)))
    }

    /// A list.
    ///
    /// # Errors
    /// A message when the field is absent or no list.
    pub(super) fn list(&self, name: &str) -> Result<&[Value], String> {
        let value = self.field(name)?;
        value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{name} is {}; give a list", shown(value)))
    }

    /// A list of numbers, NaN where it is null.
    ///
    /// # Errors
    /// A message when the field is absent, no list, or has something else in it.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, String> {
        let number = |(idx, value): (usize, &Value)| {
            read_number(value).ok_or_else(|| format!("{name}[{idx}] is {}; {WAY_OUT}", shown(value)))
        };
        self.list(name)?.iter().enumerate().map(number).collect()
    }
}

/// The number, NaN for null; None for anything that is no number.
pub(super) fn read_number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(f64::NAN),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The number where it is whole, not negative, and small enough that its neighbours are whole numbers too.
fn whole_number(value: f64) -> Option<u64> {
    const MOST: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    ((0.0..MOST).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

/// The number as answers have it.
pub(super) fn number(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::Null,
        None if value > 0.0 => "inf".into(),
        None => "-inf".into(),
    }
}

/// The numbers as answers have them.
pub(super) fn numbers(values: &[f64]) -> Value {
    values.iter().map(|value| number(*value)).collect()
}

/// The beginning of a value, for messages.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_written() {
        let case = Case::parse(r#"{"a": [1, -2.5e-300, null, "inf", "-inf", 1e400]}"#);
        assert!(case.is_err(), "what is beyond all numbers is no number");
        let case = Case::parse(r#"{"a": [1, -2.5e-300, null, "inf", "-inf"]}"#).unwrap();
        let values = case.numbers("a").unwrap();
        assert_eq!((values[1], values[3], values[4]), (-2.5e-300, f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!(numbers(&values).to_string(), r#"[1.0,-2.5e-300,null,"inf","-inf"]"#);
    }

    #[test]
    fn counts_may_have_a_decimal_point_and_what_may_be_left_out_may_be_null() {
        let case = Case::parse(r#"{"a": 5.0, "b": 5.5, "c": -1.0, "d": 1e300, "e": null}"#).unwrap();
        assert_eq!(case.whole("a"), Ok(5));
        for name in ["b", "c", "d", "e"] {
            assert!(case.whole(name).unwrap_err().contains("whole number"), "{name}");
        }
        assert!(case.optional("e").is_none() && case.optional("f").is_none() && case.optional("a").is_some());
        assert!(case.number("e").unwrap().is_nan());
    }

    #[test]
    fn a_mistake_is_named_by_its_field_and_its_place() {
        let case = Case::parse(r#"{"a": [1, "one"], "b": 7, "c": true}"#).unwrap();
        assert!(case.numbers("a").unwrap_err().starts_with(r#"a[1] is "one""#));
        assert!(case.numbers("b").unwrap_err().starts_with("b is 7; give a list"));
        assert!(case.number("c").unwrap_err().starts_with("c is true"));
        assert_eq!(case.number("d").unwrap_err(), "it has no d; add the field");
    }
}
