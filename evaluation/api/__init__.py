"""HTTP of evaluation."""
