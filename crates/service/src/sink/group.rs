//! The number of a group that is called by its name.

use std::io::Read as _;

const GROUPS: &str = "/etc/group";

/// A larger one is not a list of a machine's own groups.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The number of the group `name`, which may be one. Groups of directories beyond this
/// machine are known by their number alone.
pub(super) fn number(name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| {
        let mut groups = String::new();
        let file = std::fs::File::open(GROUPS).ok()?;
        file.take(LARGEST).read_to_string(&mut groups).ok()?;
        find(&groups, name)
    })
}

/// Looks for `name:password:number:members`.
fn find(groups: &str, name: &str) -> Option<u32> {
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        is_it.then(|| fields.nth(1)?.parse().ok()).flatten()
    };
    groups.lines().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name_and_number() {
        let groups = "root:x:0:\n# comment\nadm:x:4:syslog,me\nbroken\nfar:x:4294967296:\n";
        assert_eq!(find(groups, "root"), Some(0));
        assert_eq!(find(groups, "adm"), Some(4));
        for none in ["ad", "x", "", "syslog", "broken", "far"] {
            assert_eq!(find(groups, none), None, "{none}");
        }
        assert_eq!(number("12"), Some(12));
        assert_eq!(number("root"), Some(0));
    }
}
