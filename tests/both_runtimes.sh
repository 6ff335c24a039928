#!/usr/bin/env bash
# Tests of both runtimes side by side, one core each. What needs no Spark, and the commands of the
# pages (tests/docs), run on the first; on the second all tests that are marked `spark`; those that
# are also marked `one_runtime` only there, because it has less to do.
# usage: both_runtimes.sh PYTHON OTHER_PYTHON [pytest arguments]
set -um # job control: the second run is a process group of its own, which Ctrl-C can reach
python=$1 other=$2
shift 2
# The JVMs of tests are short: what their second compiler makes faster costs more than it saves
# (32 -> 27 core-seconds for a run over six volumes), and so does checking the byte code of Spark's
# own classes (12 -> 9 for a start). The product's own options stay beside these.
export JDK_JAVA_OPTIONS="${JDK_JAVA_OPTIONS:--XX:TieredStopAtLevel=1 -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote}"
# Hundreds of processes import the package; to compile it each time costs each half a second.
unset PYTHONDONTWRITEBYTECODE
mkdir -p build
log=build/test-other-runtime.log
"$other" -m pytest -m "spark or one_runtime" --ignore=tests/docs -o cache_dir=build/pytest-other "$@" >"$log" 2>&1 &
second=$!
trap 'kill -INT -- -$second 2>/dev/null' INT TERM
"$python" -m pytest -m "not one_runtime" "$@"
first_code=$?
wait $second
second_code=$?
printf '\n== Spark tests on the other runtime (%s) ==\n' "$("$other" -c 'import pyspark; print(pyspark.__version__)')"
cat "$log"
[ $first_code -eq 0 ] && [ $second_code -eq 0 ]
