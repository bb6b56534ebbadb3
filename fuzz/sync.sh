#!/usr/bin/env bash
# Writes a wrapper and a [[bin]] for each target that fuzz/targets/src/lib.rs declares.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
sed -n '/^targets! {/,/^}/p' targets/src/lib.rs | sed -n 's/^    \([a-z0-9_]*\),$/\1/p' >.names
sed -i -e '/^\[\[bin\]\]/,$d' Cargo.toml
sed -i -e :a -e '/^\n*$/{$d;N;ba' -e '}' Cargo.toml
rm -f fuzz_targets/*.rs
while read -r name; do
    printf '#![no_main]\nfuzz_targets::fuzz_target!(%s);\n' "$name" >"fuzz_targets/$name.rs"
    printf '\n[[bin]]\nname = "%s"\npath = "fuzz_targets/%s.rs"\ntest = false\ndoc = false\nbench = false\n' \
        "$name" "$name" >>Cargo.toml
    mkdir -p "corpus/$name"
done <.names
rm .names
