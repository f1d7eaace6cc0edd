"""Prints what TensorBoard's own reader finds in a folder: "tag step value", one a line. Ends with 3 where it is not installed."""
import os
import sys

try:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util
except ImportError:
    sys.exit(3)

folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    for event in EventFileLoader(os.path.join(folder, name)).Load():
        for value in event.summary.value:  # the loader turns simple values into tensors
            number = float(tensor_util.make_ndarray(value.tensor)) if value.HasField("tensor") else value.simple_value
            print(value.tag, event.step, "%.9g" % number)
