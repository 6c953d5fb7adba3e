//! Fields and subfields in actions: `reg0`, `reg0[]`, `NXM_NX_REG0[0..15]`.

use packet::Subfield;
use packet::field::{Field, SubfieldError};

use crate::error::FlowErrorKind;
use crate::text::{Found, Word};

/// Reads a subfield in the value of a word.
pub(crate) fn parse(word: &Word<'_>, text: &str) -> Found<Subfield> {
    Subfield::parse(text).map_err(|error| word.wrong(FlowErrorKind::Subfield(error)))
}

/// Reads the plain name of a field, as `set_field` has it.
pub(crate) fn field(word: &Word<'_>, name: &str) -> Found<&'static Field> {
    if Field::find_for_subfield(name).is_some_and(|field| field.nxm == name || field.oxm == name) || name.contains('[')
    {
        let error = SubfieldError(format!(
            "set_field takes the name of a field, and {} is another form: see load",
            crate::text::short(name)
        ));
        return Err(word.wrong(FlowErrorKind::Subfield(error)));
    }
    Ok(parse(word, name)?.field)
}
