"""What all admin pages are made of: windows (read-only), doors (dialogs that call a use case), panels, figures."""
