"""One question to customers: made here, answered on a page that anybody can open."""
