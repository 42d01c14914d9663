#!/bin/sh
# library.sh - a static library by another compiler than meson's.
#
#	library.sh OUTPUT COMPILER ARGUMENT... -- SOURCE...
set -eu
output=$1
objects=$1.p
shift
rm -rf "$objects" "$output"
mkdir -p "$objects"
command=
while [ "$1" != -- ]; do
	command="$command '$1'"
	shift
done
shift
for source; do
	sh -c "$command"' -c "$0" -o "$1"' \
		"$source" "$objects/$(basename "$source" .c).o"
done
ar rcs "$output" "$objects"/*.o
