"""AdmissionReview to domain and back: the one place that fails closed."""
