// SPDX-License-Identifier: GPL-2.0-or-later
//! death: a real init in Rust that panics, as death.c crashes. Compiled with panic=abort.

struct Unit {
    name: String,
    number: u32,
}

#[inline(never)]
fn find<'a>(units: &'a [Unit], name: &str, depth: u32) -> &'a Unit {
    if depth > 0 {
        let found = find(units, name, depth - 1);
        return if found.number > 0 { found } else { &units[0] };
    }
    units.iter().find(|unit| unit.name == name).expect("no such unit")
}

fn main() {
    let names = ["root.mount", "udev.service", "basic.target"];
    let units: Vec<Unit> = names.iter().zip(1..).map(|(name, number)| Unit { name: name.to_string(), number }).collect();
    println!("{}", find(&units, "sysroot.mount", 3).number);
}
