"""The Gaussian process against scikit-learn's, on random problems."""
import os
import subprocess

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # small matrices: threads only cost

import numpy as np  # noqa: E402
import pytest  # noqa: E402

sklearn_gp = pytest.importorskip("sklearn.gaussian_process")
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = "build/tests/bench/gp_eval"
PROBLEMS = 200
MAXIMISED = 25


@pytest.fixture(scope="module")
def evaluate():
    subprocess.run(["make", "-s", PROGRAM], cwd=ROOT, check=True)

    def run(text):
        out = subprocess.run([os.path.join(ROOT, PROGRAM)], input=text, check=True,
                             capture_output=True, text=True).stdout
        return [np.array([float.fromhex(w) for w in line.split()[1:]])
                for line in out.splitlines()]
    return run


def hexes(*arrays):
    return " ".join(float(v).hex() for a in arrays for v in np.ravel(a))


def problem(rng, n_max, d_max):
    d = int(rng.integers(1, d_max + 1))
    n = int(rng.integers(5, n_max + 1))
    x = rng.random((n, d))
    w = rng.normal(size=d)
    y = np.sin(4 * x @ w) + 0.5 * (x @ rng.normal(size=d)) ** 2 + 0.1 * rng.normal(size=n)
    return n, d, x, (y - y.mean()) / y.std()


def relative(a, b):
    """Greatest difference, against the greatest magnitude of the vector."""
    return np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-300)


def test_likelihood_gradient_and_prediction(evaluate):
    rng = np.random.default_rng(20)
    text, want = [], []
    for _ in range(PROBLEMS):
        n, d, x, y = problem(rng, 100, 25)
        m = 20
        xnew = rng.random((m, d))
        sf2, sn2 = np.exp(rng.normal(0, 1)), np.exp(rng.normal(-4, 1.5))
        length = np.exp(rng.normal(0.5 * np.log(d) - 0.6, 0.8, size=d))
        k = (ConstantKernel(sf2, (1e-9, 1e9)) * Matern(length, (1e-9, 1e9), nu=2.5)
             + WhiteKernel(sn2, (1e-12, 1e9)))
        gp = sklearn_gp.GaussianProcessRegressor(k, alpha=0, optimizer=None).fit(x, y)
        # theta of the sum: constant, lengths, noise; ours: constant, noise, lengths.
        lml, grad = gp.log_marginal_likelihood(gp.kernel_.theta, eval_gradient=True)
        grad = np.concatenate([grad[:1], grad[-1:], grad[1:-1]])
        mean, sd = gp.predict(xnew, return_std=True)
        want.append((lml, grad, mean, np.sqrt(sd ** 2 - sn2)))
        text.append(f"eval {n} {d} {m} "
                    + hexes(np.log([sf2, sn2]), np.log(length), x, y, xnew))
    got = evaluate("\n".join(text))
    assert len(got) == 4 * PROBLEMS
    worst = [max(relative(got[4 * i + j], np.atleast_1d(w[j])) for i, w in enumerate(want))
             for j in range(4)]
    print("worst relative difference: likelihood %.1e gradient %.1e mean %.1e sd %.1e"
          % tuple(worst))
    assert max(worst) < 1e-9


@pytest.mark.filterwarnings("ignore")   # sklearn warns of optima at the bounds
def test_maximised_likelihood(evaluate):
    rng = np.random.default_rng(21)
    text, want = [], []
    for i in range(MAXIMISED):
        n, d, x, y = problem(rng, 40, 6)
        k = (ConstantKernel(1, (1e-3, 1e3)) * Matern(np.ones(d), (0.02, 100), nu=2.5)
             + WhiteKernel(0.02, (1e-6, 10)))
        gp = sklearn_gp.GaussianProcessRegressor(
            k, alpha=0, n_restarts_optimizer=9, random_state=i).fit(x, y)
        want.append(gp.log_marginal_likelihood_value_)
        text.append(f"fit {n} {d} 20 " + hexes([0.02, 100, 1e-6], x, y))
    got = np.array([g[0] for g in evaluate("\n".join(text))])
    short = np.array(want) - got
    print("ours below theirs by at most %.1e, above by at most %.1e"
          % (short.max(), -short.min()))
    assert short.max() < 1e-3
