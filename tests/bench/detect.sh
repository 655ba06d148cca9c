#!/usr/bin/env bash
# Long simulations of detection: run lengths, false alarms, delays.  About two minutes of processor time.
set -eu
cd "$(dirname "$0")/../.."
make -s build/libdetect.a build/libnum.a build/libbase.a
mkdir -p build/tests/bench
${CC:-gcc} -std=gnu17 -O2 -D_GNU_SOURCE -Iinclude -Itests/unit -o build/tests/bench/detect \
	tests/bench/detect.c build/libdetect.a build/libnum.a build/libbase.a \
	$(pkg-config --libs libpcre2-8 libcjson libcrypto lapacke) -lm -pthread
bench=build/tests/bench/detect
$bench arl "${REPS:-100000}"
$bench false 1 40
$bench false 12 200
$bench step 1.3 15
$bench step 2 15
