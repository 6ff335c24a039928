#!/usr/bin/env bash
# All tests on one runtime and, beside them, Spark's tests on the other: two cores, half the time.
# usage: both_runtimes.sh PYTHON OTHER_PYTHON [pytest arguments]
set -um # job control: the second run is a process group of its own, which Ctrl-C can reach
python=$1 other=$2
shift 2
mkdir -p build
log=build/test-other-runtime.log
"$other" -m pytest -m spark -o cache_dir=build/pytest-other "$@" >"$log" 2>&1 &
second=$!
trap 'kill -INT -- -$second 2>/dev/null' INT TERM
"$python" -m pytest "$@"
first_code=$?
wait $second
second_code=$?
printf '\n== Spark tests on the other runtime (%s) ==\n' "$("$other" -c 'import pyspark; print(pyspark.__version__)')"
cat "$log"
[ $first_code -eq 0 ] && [ $second_code -eq 0 ]
