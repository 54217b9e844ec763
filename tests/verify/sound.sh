#!/bin/bash
# What the verifier accepts runs without a fault, and within what it said: random programs for
# SECONDS_SOUND (10) seconds, then the corpus of cases, where that is at hand.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../tap.sh"
sound=$BUILD/tests/verify/sound/sound
corpus=${VERIFIER_CORPUS:-$(dirname "$0")/../../../shared/corpus/verifier}

check "random programs" "$sound" --seconds="${SECONDS_SOUND:-10}" --seed="${SEED:-$(date +%s)}"
if [ -d "$corpus/cases" ]; then check "programs of the corpus" "$sound" --corpus="$corpus"
else skip "programs of the corpus" "no corpus"; fi
done_testing
