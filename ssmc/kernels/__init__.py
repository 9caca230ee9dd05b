"""Scans h_t = a_t * h_{t-1} + b_t: Triton (GPU), CPU, and the float64 reference they are tested against."""
