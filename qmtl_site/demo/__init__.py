"""The demo: honest little strategies over real prices, and the policy that judges them."""
