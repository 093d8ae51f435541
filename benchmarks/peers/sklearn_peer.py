"""scikit-learn's multilayer perceptrons, without their penalty. They have no RMSprop: there Adam is taken."""
import sys
import warnings

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

import peer

warnings.filterwarnings("ignore")  # that one epoch is not enough

work = peer.Workload(sys.argv[1])
net = work.net
x, y = peer.data(net)
kind = MLPRegressor if net.loss == "mean_squared_error" else MLPClassifier
model = kind(hidden_layer_sizes=net.sizes[1:-1], activation={"sigmoid": "logistic"}.get(net.hidden, net.hidden), alpha=0,
             batch_size=net.batch, max_iter=1, warm_start=True)
y = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
model.fit(x, y)
if work.what == "step":
    way = "fit()" if net.rule == "adam" else "fit(), Adam"
    peer.report("scikit-learn", way, work.name, peer.measure_epochs(net, lambda: model.fit(x, y)),
                sklearn.__version__)
else:
    samples = peer.read_samples(sys.argv[2], net, work.batch)[0]
    peer.report("scikit-learn", "predict_proba(), own weights", work.name,
                peer.measure_calls(lambda: model.predict_proba(samples)), sklearn.__version__)
