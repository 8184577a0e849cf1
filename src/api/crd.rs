//! From the Rust types to the manifests of the `crds` folder.
