//! A folder of manifests as the configuration source: what `idflow dev` serves.
//!
//! What a cluster would refuse keeps its last good form, a flow its last good revision. Contents of revisions are
//! kept in the data folder, because open journeys finish on them after a restart too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idflow_api::catalog::{CatalogEntry, CatalogFlow, TenantSettings};
use idflow_api::flow::Flow;
use idflow_api::tenant::Tenant;
use idflow_core::Value;
use idflow_core::digest::Digest;
use idflow_flow::diagnostic::{Finding, ObjectId};
use idflow_flow::kinds::Kinds;
use idflow_flow::source::{Manifest, Object};
use idflow_flow::{Objects, Revision};

use crate::revisions::Facts;
use crate::source::Snapshot;
use crate::source::by_kind::AgedObjects;
use crate::source::live::Live;
use crate::source::shared_secret::SharedSecret;

/// A folder of manifests.
pub struct Folder {
    paths: Vec<PathBuf>,
    kept: PathBuf,
    issuer: String,
    kinds: Kinds,
    catalog: i64,
    /// The Tenant that is served where there are several; nothing where there is one.
    wanted: Option<String>,
    /// The namespace of the tenant that is served, once there is one.
    namespace: Option<String>,
    /// What stands in other tenants' namespaces, as last told.
    skipped: BTreeMap<String, usize>,
    tenant: Option<Arc<Tenant>>,
    served: BTreeMap<String, CatalogFlow>,
    contents: BTreeMap<Digest, String>,
    facts: BTreeMap<Digest, Facts>,
    live: Live,
    troubled: BTreeSet<ObjectId>,
    /// The files at the last reading.
    seen: Fingerprint,
    /// The files when they were last looked at.
    glimpsed: Fingerprint,
}

/// One reading of the folder.
pub struct Reading {
    /// What to serve.
    pub snapshot: Snapshot,
    /// The files, for showing findings in place.
    pub manifests: Vec<Manifest>,
    /// What is wrong or doubtful.
    pub findings: Vec<Finding>,
    /// Objects that are named and do not exist, with who names them.
    pub missing: Vec<(String, ObjectId)>,
    /// The Tenant whose settings count, if some file describes one that can be used.
    pub tenant: Option<String>,
    /// How many objects stand in other tenants' namespaces, where that is another number than before.
    pub skipped: BTreeMap<String, usize>,
    /// What became of objects since the last reading.
    pub changes: Changes,
}

/// What a reading changed for visitors, and what it did not although somebody edited it.
#[derive(Debug, Default)]
pub struct Changes {
    /// Flows that run a new revision: name and digest.
    pub minted: Vec<(String, Digest)>,
    /// Objects that cannot be used as they are now: their last good form goes on.
    pub kept: BTreeSet<ObjectId>,
    /// Objects that cannot be used and never could.
    pub refused: BTreeSet<ObjectId>,
    /// Objects that could not be used at the last reading and are used again as they are.
    pub mended: BTreeSet<ObjectId>,
    /// Objects that no file describes any more.
    pub removed: BTreeSet<ObjectId>,
    /// Tenants that could be used, if there were not another one: a folder is served as one tenant.
    pub idle: BTreeSet<ObjectId>,
}

/// Names and modification times of the folder's files: equal as long as nothing was saved.
type Fingerprint = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Folder {
    /// The folder, whose tenant answers at `issuer`. Revisions kept in `data` by an earlier run are held again.
    pub fn open(folder: &Path, data: &Path, issuer: &str, kinds: Kinds) -> std::io::Result<Self> {
        let kept = data.join("revisions");
        std::fs::create_dir_all(&kept)?;
        let mut contents = BTreeMap::new();
        for entry in std::fs::read_dir(&kept)? {
            let content = std::fs::read_to_string(entry?.path())?;
            contents.insert(Digest::of(&content), content);
        }
        Ok(Self {
            paths: vec![folder.to_owned()],
            kept,
            issuer: issuer.to_owned(),
            kinds,
            catalog: 0,
            wanted: None,
            namespace: None,
            skipped: BTreeMap::new(),
            tenant: None,
            served: BTreeMap::new(),
            contents,
            facts: BTreeMap::new(),
            live: Live::default(),
            troubled: BTreeSet::new(),
            seen: Fingerprint::new(),
            glimpsed: Fingerprint::new(),
        })
    }

    /// Whether it is clear which tenant would be served of these files and folders, before anything is written.
    pub fn check(paths: &[PathBuf], wanted: Option<&str>) -> std::io::Result<()> {
        let tenants = idflow_flow::Files::read(texts(paths)?).tenants();
        choose(&tenants, wanted, None).map(drop).map_err(std::io::Error::other)
    }

    /// The same, of which this Tenant is served.
    #[must_use]
    pub fn of_tenant(self, name: Option<String>) -> Self {
        Self { wanted: name, ..self }
    }

    /// The same with more files and folders that are served together with it.
    #[must_use]
    pub fn and(mut self, more: Vec<PathBuf>) -> Self {
        self.paths.extend(more);
        self
    }

    /// Reads the folder when something was saved since the last reading, and nothing since this was last asked: editors
    /// empty a file, or take it away, a moment before they write it anew.
    pub fn read_saved(&mut self) -> std::io::Result<Option<Reading>> {
        let Ok(now) = self.fingerprint() else { return Ok(None) };
        let is_still = self.glimpsed == now;
        self.glimpsed = now;
        if !is_still || self.glimpsed == self.seen {
            return Ok(None);
        }
        let texts = texts(&self.paths);
        if !self.fingerprint().is_ok_and(|after| after == self.glimpsed) {
            return Ok(None);
        }
        self.seen.clone_from(&self.glimpsed);
        self.take(texts?).map(Some)
    }

    fn fingerprint(&self) -> std::io::Result<Fingerprint> {
        let describe = |path: PathBuf| {
            let metadata = path.metadata().ok();
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            (path, modified, metadata.map_or(0, |metadata| metadata.len()))
        };
        Ok(files(&self.paths)?.into_iter().map(describe).collect())
    }

    /// Reads the folder as it is.
    pub fn read(&mut self) -> std::io::Result<Reading> {
        // Taken before the files are read: what is saved in between is read again.
        self.seen = self.fingerprint()?;
        let texts = texts(&self.paths)?;
        self.take(texts)
    }

    fn take(&mut self, texts: Vec<(String, String)>) -> std::io::Result<Reading> {
        let files = idflow_flow::Files::read(texts);
        let tenants = files.tenants();
        let served = self.tenant.as_ref().and_then(|tenant| tenant.metadata.name.as_deref());
        let wanted = self.wanted.as_deref().or(served);
        self.namespace =
            choose(&tenants, wanted, self.namespace.as_ref()).map_err(std::io::Error::other)?.cloned();
        let (checked, skipped) = files.judge(self.namespace.as_deref(), self.kinds);
        self.catalog += 1;
        let before = self.known();
        let mut changes = Changes { refused: checked.refused(), ..Changes::default() };
        self.take_live(&checked, &changes.refused);
        // Without its guard rails nothing of a tenant is served, as in a cluster.
        let is_open = self.tenant.is_some() || !changes.refused.iter().any(|object| object.kind == "Tenant");
        let missing = if is_open { self.take_flows(&checked, &mut changes)? } else { Vec::new() };
        self.report(&before, &checked, &mut changes);
        let is_other = |namespace: &String| self.namespace.as_ref().is_some_and(|own| own != namespace);
        let others = tenants.iter().filter(|(_, namespace)| is_other(namespace));
        changes.idle.extend(others.map(|(name, _)| ObjectId::new("Tenant", name)));
        let skipped = self.news_of(skipped);
        let snapshot = self.snapshot();
        let (manifests, findings) = (checked.manifests, checked.findings);
        let tenant = self.tenant.as_ref().and_then(|tenant| tenant.metadata.name.clone());
        Ok(Reading { snapshot, manifests, findings, missing, tenant, skipped, changes })
    }

    fn news_of(&mut self, skipped: BTreeMap<String, usize>) -> BTreeMap<String, usize> {
        let before = std::mem::replace(&mut self.skipped, skipped);
        let is_news = |(namespace, number): &(&String, &usize)| before.get(*namespace) != Some(number);
        self.skipped.iter().filter(is_news).map(|(namespace, number)| (namespace.clone(), *number)).collect()
    }

    /// What has a good form.
    fn known(&self) -> BTreeSet<ObjectId> {
        let flows = self.served.keys().map(|name| ObjectId::new("Flow", name));
        flows.chain(self.tenant.as_deref().map(id)).chain(self.live.objects()).collect()
    }

    /// Takes the objects that are live at once; one that is refused keeps its last good form. While some file cannot
    /// be read, what no other holds is not gone.
    fn take_live(&mut self, checked: &idflow_flow::Folder, refused: &BTreeSet<ObjectId>) {
        let is_held = |object: &ObjectId| checked.manifests.iter().any(|manifest| manifest.holds(object));
        let stays = |object: &ObjectId| checked.is_incomplete || is_held(object);
        let mut live = live(&checked.objects, &checked.manifests);
        live.retain(|object| !refused.contains(object));
        self.live.retain(stays);
        live.keep(&self.live);
        self.live = live;
        self.tenant.take_if(|tenant| !stays(&id(tenant)));
        let served = self.tenant.take();
        let good = || checked.objects.tenants.values().filter(|tenant| !refused.contains(&id(tenant)));
        let same = good().find(|tenant| served.as_deref().is_some_and(|served| id(served) == id(tenant)));
        self.tenant = same.cloned().or(served).or_else(|| good().next().cloned());
        self.served.retain(|name, _| stays(&ObjectId::new("Flow", name)));
    }

    /// Takes the flows that compile; returns what the others wait for.
    fn take_flows(
        &mut self,
        checked: &idflow_flow::Folder,
        changes: &mut Changes,
    ) -> std::io::Result<Vec<(String, ObjectId)>> {
        let mut missing = Vec::new();
        for (name, compiled) in &checked.flows {
            let flow = checked.objects.flows.get(name);
            match compiled.revision.as_ref().zip(flow) {
                Some((revision, flow)) => {
                    let requires = Some(revision.requires.clone());
                    let assurance = Some(compiled.session_assurance.clone());
                    self.facts.insert(revision.digest, Facts { requires, assurance });
                    let is_default = checked.objects.default_flow(flow.spec.type_) == Some(name);
                    self.serve(name, flow, is_default, revision, &mut changes.minted)?;
                }
                None if compiled.missing.is_empty() => {
                    changes.refused.insert(ObjectId::new("Flow", name));
                }
                None => missing.extend(compiled.missing.iter().map(|object| (name.clone(), object.clone()))),
            }
        }
        missing.retain(|_| !checked.is_incomplete);
        Ok(missing)
    }

    /// Sorts what was edited and is not in use by what goes on in its place.
    fn report(&mut self, before: &BTreeSet<ObjectId>, checked: &idflow_flow::Folder, changes: &mut Changes) {
        let now = self.known();
        changes.removed = before.difference(&now).cloned().collect();
        let is_held = |object: &&ObjectId| checked.manifests.iter().any(|manifest| manifest.holds(object));
        let waiting = |object: &&ObjectId| {
            object.kind == "Flow"
                && checked.flows.get(&object.name).is_some_and(|flow| flow.revision.is_none())
        };
        let unread = now.iter().filter(|object| !is_held(object) || waiting(object));
        changes.kept = changes.refused.intersection(&now).chain(unread).cloned().collect();
        let tenants = checked.objects.tenants.values().map(|tenant| id(tenant));
        changes.idle =
            tenants.filter(|tenant| !now.contains(tenant) && !changes.refused.contains(tenant)).collect();
        changes.refused.retain(|object| !now.contains(object));
        let troubled: BTreeSet<ObjectId> = changes.kept.union(&changes.refused).cloned().collect();
        let is_minted =
            |object: &ObjectId| changes.minted.iter().any(|(flow, _)| *object == ObjectId::new("Flow", flow));
        let mended =
            self.troubled.difference(&troubled).filter(|object| now.contains(object) && !is_minted(object));
        changes.mended = mended.cloned().collect();
        self.troubled = troubled;
    }

    fn serve(
        &mut self,
        name: &str,
        flow: &Flow,
        is_default: bool,
        Revision { digest, content, .. }: &Revision,
        minted: &mut Vec<(String, Digest)>,
    ) -> std::io::Result<()> {
        let text = digest.to_string();
        let before = self.served.get(name).and_then(|flow| flow.entries.first());
        if before.is_none_or(|entry| entry.digest != text) {
            minted.push((name.to_owned(), *digest));
            std::fs::write(self.kept.join(format!("{text}.json")), content)?;
            self.contents.insert(*digest, content.clone());
        }
        let entry = CatalogEntry {
            revision: format!("{name}-{}", digest.short(8)),
            digest: text,
            weight: 100,
            // The policy of a folder counts at once.
            policy_grace_until: None,
        };
        let served = CatalogFlow {
            flow: name.to_owned(),
            type_: flow.spec.type_,
            default: is_default,
            suspended: flow.spec.suspend,
            guarantees: flow.spec.guarantees.clone(),
            entries: vec![entry],
        };
        self.served.insert(name.to_owned(), served);
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        let tenant = self.tenant.as_ref();
        let settings = TenantSettings {
            name: tenant.and_then(|tenant| tenant.metadata.name.clone()).unwrap_or_else(|| "dev".to_owned()),
            issuer: self.issuer.clone(),
            limits: tenant.and_then(|tenant| tenant.spec.limits.clone()),
            policy: tenant.and_then(|tenant| tenant.spec.policy.clone()),
            egress: tenant.and_then(|tenant| tenant.spec.egress.clone()),
            trusted_proxies: Vec::new(),
            hsts_include_sub_domains: false,
        };
        Snapshot {
            catalog: self.catalog,
            tenant: settings,
            flows: self.served.values().cloned().collect(),
            withdrawn: Vec::new(),
            contents: self.contents.clone(),
            facts: self.facts.clone(),
            damaged: BTreeSet::new(),
            live: self.live.clone(),
        }
    }
}

/// The namespace that is served: that of the Tenant that is wanted, else the one before, else the only one.
fn choose<'t>(
    tenants: &'t BTreeMap<String, String>,
    wanted: Option<&str>,
    before: Option<&'t String>,
) -> Result<Option<&'t String>, String> {
    let all = || {
        let named = tenants.iter().map(|(name, namespace)| format!("{name} (namespace {namespace})"));
        named.collect::<Vec<_>>().join(", ")
    };
    let known = wanted.and_then(|name| tenants.get(name));
    let namespaces: BTreeSet<&String> = tenants.values().collect();
    match (known.or(before), wanted, namespaces.len()) {
        (Some(namespace), ..) => Ok(Some(namespace)),
        (None, Some(name), 0) => Err(format!("it has no Tenant {name}, nor any other")),
        (None, Some(name), _) => Err(format!("it has no Tenant {name}; those it has are {}", all())),
        (None, None, 0 | 1) => Ok(namespaces.into_iter().next()),
        (None, None, _) => Err(format!("it has several tenants: {}; choose one by --tenant NAME", all())),
    }
}

/// Every file's name and text.
fn texts(paths: &[PathBuf]) -> std::io::Result<Vec<(String, String)>> {
    let text = |path: PathBuf| {
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        Ok((path.display().to_string(), text))
    };
    files(paths)?.into_iter().map(text).collect()
}

fn id(tenant: &Tenant) -> ObjectId {
    ObjectId::new("Tenant", tenant.metadata.name.clone().unwrap_or_default())
}

fn live(objects: &Objects, manifests: &[Manifest]) -> Live {
    let secrets = manifests.iter().flat_map(|manifest| &manifest.objects);
    let secrets = secrets.filter(|object| object.kind == "Secret");
    AgedObjects::of(objects).settled(secrets.map(|object| (object.name.clone(), secret(object))).collect())
}

/// A Secret of a file: `stringData` as it stands, `data` decoded.
fn secret(object: &Object) -> SharedSecret {
    let texts = |pointer: &str| -> BTreeMap<String, String> {
        let members = object.value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
        members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let decoded = texts("/data").into_iter().filter_map(|(name, value)| {
        let bytes = STANDARD.decode(value.trim()).ok()?;
        Some((name, String::from_utf8(bytes).ok()?))
    });
    SharedSecret {
        labels: texts("/metadata/labels"),
        annotations: texts("/metadata/annotations"),
        data: decoded.chain(texts("/stringData")).collect(),
    }
}

/// Every file of these files and folders, once.
fn files(paths: &[PathBuf]) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in paths {
        found.extend(if path.is_file() { vec![path.clone()] } else { below(path)? });
    }
    Ok(found)
}

fn below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !is_hidden {
            files.extend(below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            && !is_hidden
        {
            files.push(path);
        }
    }
    Ok(files)
}
