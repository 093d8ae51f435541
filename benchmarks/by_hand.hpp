// The reference: what somebody who knows Eigen and the formulas writes for this one network. All memory is taken before
// the loop, products are `noalias`, elementwise parts are single expressions.
#pragma once

#include "maas/core/denormals.hpp"
#include "support.hpp"

namespace bench {

/// 100-128-64-1, relu, relu, sigmoid, in plain Eigen.
class ByHand {
 public:
  using Row = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;
  struct Weights {
    Matrix w1{100, 128}, w2{128, 64}, w3{64, 1};
    Row b1{128}, b2{64}, b3{1};
  };

  ByHand(const Network& network, Index batch)
      : a1_(batch, 128), a2_(batch, 64), z_(batch, 1), d3_(batch, 1), d2_(batch, 64), d1_(batch, 128) {
    const Parameters& p = network.parameters();
    w_.w1 = p.view("dense/kernel");
    w_.b1 = p.view("dense/bias");
    w_.w2 = p.view("dense_1/kernel");
    w_.b2 = p.view("dense_1/bias");
    w_.w3 = p.view("dense_2/kernel");
    w_.b3 = p.view("dense_2/bias");
    for (Weights* zero : {&gradient_, &m_, &v_}) {
      zero->w1.setZero();
      zero->w2.setZero();
      zero->w3.setZero();
      zero->b1.setZero();
      zero->b2.setZero();
      zero->b3.setZero();
    }
  }

  const Weights& weights() const { return w_; }

  /// Predictions of a full batch; they live here until the next call.
  const Matrix& predict(const ConstMatrixView& x) {
    forward(x);
    z_.array() = ((-z_.array()).exp() + Scalar(1)).inverse();
    return z_;
  }

  /// One step of Adam on binary cross-entropy; returns the loss before it.
  double train(const ConstMatrixView& x, const ConstMatrixView& y) {
    const FlushDenormals flush;  // maas does so, too
    forward(x);
    const auto z = z_.array();
    const double loss =
        static_cast<double>((z.max(Scalar(0)) - z * y.array() + ((-z.abs()).exp() + Scalar(1)).log()).sum() /
                            static_cast<Scalar>(x.rows()));
    d3_.array() = (((-z).exp() + Scalar(1)).inverse() - y.array()) / static_cast<Scalar>(x.rows());
    gradient_.w3.noalias() = a2_.transpose() * d3_;
    gradient_.b3 = d3_.colwise().sum();
    d2_.noalias() = d3_ * w_.w3.transpose();
    d2_.array() *= (a2_.array() > Scalar(0)).cast<Scalar>();
    gradient_.w2.noalias() = a1_.transpose() * d2_;
    gradient_.b2 = d2_.colwise().sum();
    d1_.noalias() = d2_ * w_.w2.transpose();
    d1_.array() *= (a1_.array() > Scalar(0)).cast<Scalar>();
    gradient_.w1.noalias() = x.transpose() * d1_;
    gradient_.b1 = d1_.colwise().sum();
    ++step_;
    const double t = step_;
    alpha_ = static_cast<Scalar>(1e-3 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)));
    adam(w_.w1, gradient_.w1, m_.w1, v_.w1);
    adam(w_.b1, gradient_.b1, m_.b1, v_.b1);
    adam(w_.w2, gradient_.w2, m_.w2, v_.w2);
    adam(w_.b2, gradient_.b2, m_.b2, v_.b2);
    adam(w_.w3, gradient_.w3, m_.w3, v_.w3);
    adam(w_.b3, gradient_.b3, m_.b3, v_.b3);
    return loss;
  }

 private:
  void forward(const ConstMatrixView& x) {
    a1_.noalias() = x * w_.w1;
    a1_ = (a1_.rowwise() + w_.b1).cwiseMax(Scalar(0));
    a2_.noalias() = a1_ * w_.w2;
    a2_ = (a2_.rowwise() + w_.b2).cwiseMax(Scalar(0));
    z_.noalias() = a2_ * w_.w3;
    z_.rowwise() += w_.b3;
  }

  template <class M>
  void adam(M& w, const M& g, M& m, M& v) const {
    m.array() += (g.array() - m.array()) * Scalar(0.1);
    v.array() += (g.array().square() - v.array()) * Scalar(0.001);
    w.array() -= alpha_ * m.array() / (v.array().sqrt() + Scalar(1e-7));
  }

  Weights w_, gradient_, m_, v_;
  Matrix a1_, a2_, z_, d3_, d2_, d1_;
  Scalar alpha_ = 0;
  int step_ = 0;
};

}  // namespace bench
