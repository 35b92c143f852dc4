//! The features of manyhands, as its manifest has them.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The feature that cargo takes when a user chooses none.
const DEFAULT: &str = "default";

/// The names of all features but `default`, sorted.
///
/// # Errors
/// Says why cargo did not name them.
pub(crate) fn names(root: &Path) -> Result<Vec<String>, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--locked", "--format-version", "1"]).current_dir(root);
    let answer = cargo.output().map_err(|error| format!("cargo could not be started: {error}"))?;
    if !answer.status.success() {
        return Err(String::from_utf8_lossy(&answer.stderr).trim().to_owned());
    }
    from_metadata(&answer.stdout)
}

fn from_metadata(metadata: &[u8]) -> Result<Vec<String>, String> {
    let metadata: Value = serde_json::from_slice(metadata).map_err(|error| format!("cargo wrote no JSON: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let features =
        packages.filter(|package| package["name"] == "manyhands").find_map(|package| package["features"].as_object());
    let features = features.ok_or("cargo names no package manyhands with features")?;
    Ok(features.keys().filter(|name| *name != DEFAULT).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_from_what_cargo_says() {
        let metadata = r#"{"packages": [{"name": "other", "features": {"x": []}},
            {"name": "manyhands", "features": {"journal": ["dep:a"], "default": ["bar"], "bar": []}}]}"#;
        assert_eq!(from_metadata(metadata.as_bytes()).unwrap(), ["bar", "journal"]);
    }

    #[test]
    fn an_answer_without_the_package_is_an_error() {
        assert!(from_metadata(b"{\"packages\": []}").unwrap_err().contains("no package manyhands"));
        assert!(from_metadata(b"cargo").unwrap_err().starts_with("cargo wrote no JSON"));
    }

    #[test]
    fn the_project_itself_has_features() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert!(names(root).unwrap().iter().any(|name| name == "processes"));
    }
}
