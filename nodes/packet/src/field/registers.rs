//! Registers (ovs-fields(7), "Register fields").

use super::{ANY, Field, Format, MASKED, row};
use crate::key::slot;

/// A row for each register.
macro_rules! registers {
    ($($name:literal $nxm:literal $slot:ident($n:literal),)*) => {
        &[$(row($name, &[], slot::$slot($n), Format::Number, MASKED, ANY).nxm($nxm, "")),*]
    };
}

/// The registers of 32 bits, and those of 64 and 128 bits that are made of them.
pub(super) const REGISTERS: &[Field] = registers! {
    "reg0" "NXM_NX_REG0" reg(0),
    "reg1" "NXM_NX_REG1" reg(1),
    "reg2" "NXM_NX_REG2" reg(2),
    "reg3" "NXM_NX_REG3" reg(3),
    "reg4" "NXM_NX_REG4" reg(4),
    "reg5" "NXM_NX_REG5" reg(5),
    "reg6" "NXM_NX_REG6" reg(6),
    "reg7" "NXM_NX_REG7" reg(7),
    "reg8" "NXM_NX_REG8" reg(8),
    "reg9" "NXM_NX_REG9" reg(9),
    "reg10" "NXM_NX_REG10" reg(10),
    "reg11" "NXM_NX_REG11" reg(11),
    "reg12" "NXM_NX_REG12" reg(12),
    "reg13" "NXM_NX_REG13" reg(13),
    "reg14" "NXM_NX_REG14" reg(14),
    "reg15" "NXM_NX_REG15" reg(15),
    "xreg0" "OXM_OF_PKT_REG0" xreg(0),
    "xreg1" "OXM_OF_PKT_REG1" xreg(1),
    "xreg2" "OXM_OF_PKT_REG2" xreg(2),
    "xreg3" "OXM_OF_PKT_REG3" xreg(3),
    "xreg4" "OXM_OF_PKT_REG4" xreg(4),
    "xreg5" "OXM_OF_PKT_REG5" xreg(5),
    "xreg6" "OXM_OF_PKT_REG6" xreg(6),
    "xreg7" "OXM_OF_PKT_REG7" xreg(7),
    "xxreg0" "NXM_NX_XXREG0" xxreg(0),
    "xxreg1" "NXM_NX_XXREG1" xxreg(1),
    "xxreg2" "NXM_NX_XXREG2" xxreg(2),
    "xxreg3" "NXM_NX_XXREG3" xxreg(3),
};
