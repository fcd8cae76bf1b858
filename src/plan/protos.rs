//! What gRPC services look like, by files that a plan names: `.proto` files, read without protoc, and descriptor sets.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::files::Files;
use crate::config::{At, Problem, SchemaConfig};
use crate::flow::Describe;
use crate::protocol::grpc::DescriptorPool;

/// Files that one service may be made of.
const MAX_FILES: usize = 2_000;

/// What is known of services while a plan is compiled, so that each is read, and asked for, once.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// By the paths that were given. `None`: what is wrong with them was said.
    pools: HashMap<Vec<String>, Option<DescriptorPool>>,
    /// By URL, as it is written, and service: those that servers are asked for.
    pub(super) described: Vec<((String, String), Arc<Describe>)>,
}

impl Services {
    pub(super) fn describe(
        &mut self,
        url: &str,
        service: &str,
        new: impl FnOnce() -> Option<Describe>,
    ) -> Option<Arc<Describe>> {
        let wanted = (url.to_owned(), service.to_owned());
        if let Some((_, known)) = self.described.iter().find(|(known, _)| *known == wanted) {
            return Some(Arc::clone(known));
        }
        let describe = Arc::new(new()?);
        self.described.push((wanted, Arc::clone(&describe)));
        Some(describe)
    }
}

/// The services of the files; nothing where servers are to be asked, or what is wrong was said.
pub(super) fn pool(
    schema: &SchemaConfig,
    files: &mut Files,
    problems: &mut Vec<Problem>,
) -> Option<DescriptorPool> {
    let values = |paths: &[At<String>]| paths.iter().map(|path| path.value.clone()).collect::<Vec<_>>();
    let key = match schema {
        SchemaConfig::Proto { files, import_paths } => {
            [values(files), vec![String::new()], values(import_paths)].concat()
        }
        SchemaConfig::Descriptors(path) => vec![path.value.clone()],
        SchemaConfig::Reflection => return None,
    };
    if let Some(known) = files.services.pools.get(&key) {
        return known.clone();
    }
    let read = match schema {
        SchemaConfig::Proto { files: protos, import_paths } => of_protos(protos, import_paths, files),
        SchemaConfig::Descriptors(path) => of_set(path, files),
        SchemaConfig::Reflection => return None,
    };
    let pool = read.map_err(|problem| problems.push(problem)).ok();
    files.services.pools.insert(key, pool.clone());
    pool
}

fn of_set(path: &At<String>, files: &mut Files) -> Result<DescriptorPool, Problem> {
    let wrong = |message: String| Problem::new(path.place, message);
    let bytes = files.read(&files.resolve(&path.value)).map_err(wrong)?;
    DescriptorPool::decode(bytes).map_err(|error| {
        let help = "write it with `protoc --descriptor_set_out=FILE --include_imports`";
        Problem::new(path.place, format!("`{}` is no descriptor set: {error}", path.value)).help(help)
    })
}

fn of_protos(
    protos: &[At<String>],
    import_paths: &[At<String>],
    files: &mut Files,
) -> Result<DescriptorPool, Problem> {
    let mut roots: Vec<PathBuf> = import_paths.iter().map(|path| normal(&path.value)).collect();
    let mut wanted = VecDeque::new();
    for proto in protos {
        let path = normal(&proto.value);
        let within = roots.iter().find_map(|root| path.strip_prefix(root).ok().map(Path::to_owned));
        let name = match within {
            Some(name) => name,
            None => {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                let name = path.strip_prefix(&folder).unwrap_or(&path).to_owned();
                roots.push(folder);
                name
            }
        };
        wanted.push_back((imported_as(&name), proto));
    }
    let names: Vec<(String, &At<String>)> = wanted.iter().cloned().collect();
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    while let Some((name, proto)) = wanted.pop_front() {
        if sources.contains_key(&name) {
            continue;
        }
        let source = match find(&name, &roots, files) {
            Ok(source) => source,
            // Those come with the compiler.
            Err(_) if name.starts_with("google/protobuf/") => continue,
            Err(why) => return Err(Problem::new(proto.place, why)),
        };
        let file = File::from_source(&name, &source)
            .map_err(|error| Problem::new(proto.place, format!("{error:?}")))?;
        let dependencies = file.file_descriptor_proto().dependency.iter();
        wanted.extend(dependencies.map(|dependency| (dependency.clone(), proto)));
        sources.insert(name, source);
        if sources.len() > MAX_FILES {
            return Err(Problem::new(proto.place, format!("it imports more than {MAX_FILES} files")));
        }
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Sources(sources));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    for (name, proto) in names {
        compiler.open_file(&name).map_err(|error| Problem::new(proto.place, format!("{error:?}")))?;
    }
    Ok(compiler.descriptor_pool())
}

/// What imports call it: `/` on every system.
fn imported_as(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// `./a/b` is `a/b`.
fn normal(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| *part != Component::CurDir).collect()
}

fn find(name: &str, roots: &[PathBuf], files: &mut Files) -> Result<String, String> {
    let mut first = None;
    for root in roots {
        let path = files.resolve(&root.join(name).to_string_lossy());
        match files.read(&path) {
            Ok(bytes) => {
                return String::from_utf8(bytes.to_vec())
                    .map_err(|_| format!("`{name}` is not text in UTF-8"));
            }
            Err(why) => drop(first.get_or_insert(why)),
        }
    }
    Err(first.unwrap_or_else(|| format!("`{name}` is in none of the import paths")))
}

/// The files of the plan, which were read before.
struct Sources(BTreeMap<String, String>);

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.get(name) {
            Some(source) => File::from_source(name, source),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}
