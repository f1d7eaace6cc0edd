#!/bin/sh
# Fovea in a minute: installs what is missing, builds, trains the lectures' MNIST network on the built-in digits, tests it
# and shows some guesses. Works on a fresh machine; writes only build/ and runs/demo/.
set -eu
cd "$(dirname "$0")"
. scripts/setup.sh

setup_packages required
echo "Building (about half a minute the first time) ..."
setup_build release build

fovea=build/fovea
echo
echo "The network (zoo/mnist_cnn.net):"
"$fovea" summary mnist_cnn
echo
echo "Training it on 60,000 digits drawn by the program itself:"
"$fovea" train mnist_cnn digits --epochs 3 -o runs/demo --force
echo
echo "Testing it on 10,000 digits that it has never seen:"
"$fovea" evaluate runs/demo digits
echo
echo "Some of them, with its three best guesses:"
"$fovea" predict runs/demo digits:test:0 digits:test:1 digits:test:2 digits:test:3 --show --top 3
cat <<'TEXT'

The trained model is runs/demo/best.safetensors. What to try next:
  build/fovea predict runs/demo YOUR.png              a digit of your own (PNG or PGM)
  build/fovea zoo                                     all networks that come with the program
  build/fovea summary lenet5                          what a network will cost, before any run
  build/fovea train lenet5 FOLDER_WITH_MNIST -o runs/lenet5
  build/fovea help conv                               any operator, with worked examples
  build/fovea selftest                                the lectures' worked answers, recomputed here
TEXT
