//! Callers of the service, written into the file and removed from it.

use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table, TableLike, Value};

use super::document::Document;
use crate::error::Problem;
use crate::schema;
use crate::service::HandsOut;

const SERVICE: &str = "service";
const CALLERS: &str = "callers";

/// The keys of a new caller that is known by a key.
///
/// ```
/// use prove_token_config::NewCaller;
/// let caller = NewCaller::new("billing", [0xab; 32], ["prove-uat"]);
/// assert!(caller.to_toml().starts_with("[[service.callers]]\nname = \"billing\"\n"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewCaller {
    /// `name`.
    pub name: String,
    /// The SHA-256 of its key, for `key_hash`. The key itself does not stand in a file.
    pub key_hash: [u8; 32],
    /// `profiles`; the first is the default of `POST /token`.
    pub profiles: Vec<String>,
    /// `hands_out`, written if it is not the default.
    pub hands_out: HandsOut,
}

impl NewCaller {
    /// A caller that gets the tokens of `profiles`.
    pub fn new<P: Into<String>>(
        name: impl Into<String>,
        key_hash: [u8; 32],
        profiles: impl IntoIterator<Item = P>,
    ) -> Self {
        Self {
            name: name.into(),
            key_hash,
            profiles: profiles.into_iter().map(Into::into).collect(),
            hands_out: HandsOut::default(),
        }
    }

    /// Its table as it stands in a file, for a file that a program cannot write.
    pub fn to_toml(&self) -> String {
        let mut callers = ArrayOfTables::new();
        callers.push(self.table());
        let mut service = Table::new();
        service.set_implicit(true);
        service.insert(CALLERS, Item::ArrayOfTables(callers));
        let mut root = toml_edit::DocumentMut::new();
        root.insert(SERVICE, Item::Table(service));
        root.to_string().trim_start().to_owned()
    }

    fn table(&self) -> Table {
        let digits: String = self.key_hash.iter().map(|b| format!("{b:02x}")).collect();
        let mut table = Table::new();
        let mut add = |key: &str, value: Value| table.insert(key, Item::Value(value));
        add("name", self.name.as_str().into());
        add("key_hash", format!("sha256:{digits}").into());
        add(
            "profiles",
            Value::Array(self.profiles.iter().collect::<Array>()),
        );
        if self.hands_out == HandsOut::Proxy {
            add("hands_out", "proxy".into());
        }
        table
    }
}

impl Document {
    pub(super) fn add_caller(&mut self, caller: &NewCaller) -> Result<(), Problem> {
        let name = &caller.name;
        let callers = self.callers()?;
        if find(callers, name).is_some() {
            let problem = Problem::new(format!("there is already a caller \"{name}\""));
            return Err(problem.with_hint("remove it first, or choose another name"));
        }
        match callers {
            Item::ArrayOfTables(callers) => callers.push(caller.table()),
            Item::Value(Value::Array(callers)) => callers.push(caller.table().into_inline_table()),
            _ => return Err(not_callers()),
        }
        Ok(())
    }

    /// With the comment right above it.
    pub(super) fn remove_caller(&mut self, name: &str) -> Result<(), Problem> {
        let callers = self.callers()?;
        let Some(index) = find(callers, name) else {
            let known = names(callers);
            let hint = match known.is_empty() {
                true => "there are no callers".to_owned(),
                false => schema::name_hint(name, known.iter().map(String::as_str)),
            };
            let problem = Problem::new(format!("there is no caller \"{name}\""));
            return Err(problem.with_hint(hint));
        };
        let is_last = match callers {
            Item::ArrayOfTables(callers) => {
                callers.remove(index);
                callers.is_empty()
            }
            Item::Value(Value::Array(callers)) => {
                callers.remove(index);
                callers.is_empty()
            }
            _ => return Err(not_callers()),
        };
        if is_last {
            self.service()?.remove(CALLERS);
        }
        Ok(())
    }

    /// The callers, an empty array of tables if there are none.
    fn callers(&mut self) -> Result<&mut Item, Problem> {
        let service = self.service()?;
        if !service.contains_key(CALLERS) {
            // In an inline table it becomes an array of those.
            service.insert(CALLERS, Item::ArrayOfTables(ArrayOfTables::new()));
        }
        service.get_mut(CALLERS).ok_or_else(not_callers)
    }

    /// The table `[service]`, made if there is none.
    fn service(&mut self) -> Result<&mut dyn TableLike, Problem> {
        let empty = || {
            let mut table = Table::new();
            // Its own header would say nothing.
            table.set_implicit(true);
            Item::Table(table)
        };
        let service = self.root_mut().entry(SERVICE).or_insert_with(empty);
        let found = service.as_table_like_mut();
        found.ok_or_else(|| Problem::new("not a table").with_key(SERVICE))
    }
}

/// The index of the caller of this name.
fn find(callers: &Item, name: &str) -> Option<usize> {
    names(callers).iter().position(|other| other == name)
}

/// The names, in order. What has none, which a file without problems does not hold, is
/// empty.
fn names(callers: &Item) -> Vec<String> {
    let of_table = |table: &dyn TableLike| {
        let name = table.get("name").and_then(Item::as_str);
        name.unwrap_or_default().to_owned()
    };
    match callers {
        Item::ArrayOfTables(callers) => callers.iter().map(|table| of_table(table)).collect(),
        Item::Value(Value::Array(callers)) => {
            let tables = callers.iter().map(Value::as_inline_table);
            let name = |table: Option<&InlineTable>| table.map(|table| of_table(table));
            tables
                .map(|table| name(table).unwrap_or_default())
                .collect()
        }
        _ => Vec::new(),
    }
}

fn not_callers() -> Problem {
    Problem::new("not an array of tables").with_key("service.callers")
}
