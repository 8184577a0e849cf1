//! Findings as they are shown: each place resolved to file, line and path inside the object, so that findings of
//! several environments stand in one list.

use std::collections::BTreeSet;

use crate::diagnostic::{Finding, Location, ObjectId, Place, Severity, path};
use crate::source::{Manifest, Object};

/// A finding with its places resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The rule's code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub title: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub help: String,
    /// Where it is.
    pub spot: Spot,
    /// Other places that explain it, each with what is to be seen there.
    pub related: Vec<(String, Spot)>,
}

/// A place, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Spot {
    /// The object, if it is inside one.
    pub object: Option<ObjectId>,
    /// The namespace that the object names.
    pub namespace: Option<String>,
    /// JSON pointer inside the object.
    pub pointer: String,
    /// The same as people write it, steps by id.
    pub path: String,
    /// The place in a text.
    pub location: Option<Location>,
}

/// Findings about the objects of these manifests. What was rendered from `sources` is shown there, as far as it stands
/// there: by kind, namespace and name.
pub fn shown(findings: &[Finding], manifests: &[Manifest], sources: &[Manifest]) -> Vec<Shown> {
    let spot = |place: &Place| spot(place, manifests, sources);
    let found = findings.iter().map(|finding| Shown {
        code: finding.code,
        severity: finding.severity,
        title: finding.title.clone(),
        why: finding.why,
        help: finding.help.clone(),
        spot: spot(&finding.place),
        related: finding.related.iter().map(|related| (related.note.clone(), spot(&related.place))).collect(),
    });
    found.collect()
}

fn spot(place: &Place, manifests: &[Manifest], sources: &[Manifest]) -> Spot {
    let Some(id) = place.object() else {
        return Spot { location: place.locate(manifests), ..Spot::default() };
    };
    let object = manifests.iter().flat_map(|manifest| &manifest.objects).find(|object| object.id() == *id);
    let source = object.and_then(|object| source_of(object, place.pointer(), sources));
    let location = match source {
        Some(source) => place.locate(std::slice::from_ref(source)),
        None => place.locate(manifests),
    };
    Spot {
        object: Some(id.clone()),
        namespace: object.and_then(|object| object.namespace.clone()),
        pointer: place.pointer().to_owned(),
        path: object.map(|object| path(&object.value, place.pointer())).unwrap_or_default(),
        location,
    }
}

/// The file that says what a rendered object says there; else one that has the object at all. An overlay may have put it
/// into another namespace than all that its files name.
fn source_of<'a>(object: &Object, pointer: &str, sources: &'a [Manifest]) -> Option<&'a Manifest> {
    let namesakes = sources.iter().flat_map(|file| {
        file.objects.iter().filter(|one| one.id() == object.id()).map(move |one| (file, one))
    });
    let namesakes: Vec<(&Manifest, &Object)> = namesakes.collect();
    let namespaces: BTreeSet<&String> =
        namesakes.iter().filter_map(|(_, one)| one.namespace.as_ref()).collect();
    let is_moved = namespaces.len() == 1 && object.namespace.iter().all(|own| !namespaces.contains(own));
    let is_there = |one: &Object| is_moved || one.namespace.is_none() || one.namespace == object.namespace;
    let held: Vec<_> = namesakes.into_iter().filter(|(_, one)| is_there(one)).collect();
    let says_it = |(_, one): &&(&Manifest, &Object)| {
        let said = one.value.pointer(pointer);
        said.is_some() && said == object.value.pointer(pointer)
    };
    held.iter().find(says_it).or_else(|| held.first()).map(|(file, _)| *file)
}
